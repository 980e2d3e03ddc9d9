package setup

// Rlimit is one resource limit. Unlimited is [Infinity].
type Rlimit struct {
	Resource string `json:"resource"`
	Soft     uint64 `json:"soft"`
	Hard     uint64 `json:"hard"`
}

// Infinity is RLIM_INFINITY.
const Infinity = ^uint64(0)

// rlimitNames holds the sixteen resources of getrlimit(2) at their numbers.
var rlimitNames = [...]string{
	"cpu", "fsize", "data", "stack", "core", "rss", "nproc", "nofile",
	"memlock", "as", "locks", "sigpending", "msgqueue", "nice", "rtprio",
	"rttime",
}

// RlimitNames returns the names of all resources, in the kernel's order.
func RlimitNames() []string { return rlimitNames[:] }

// RlimitNumber returns the kernel's number of a resource, or -1.
func RlimitNumber(name string) int {
	for i, n := range rlimitNames {
		if n == name {
			return i
		}
	}
	return -1
}

func codeRlimit(c *coder, r *Rlimit) {
	str(c, &r.Resource)
	num(c, &r.Soft)
	num(c, &r.Hard)
}
