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

// DefaultRlimit is the limit of a payload that asks for none, under a hard
// limit of the caller's: what the kernel gives to the first process of a
// system. Priorities can't be raised.
func DefaultRlimit(resource string, hard uint64) Rlimit {
	soft := Infinity
	switch resource {
	case "nice", "rtprio":
		return Rlimit{Resource: resource}
	case "stack", "memlock":
		soft = 8 << 20
	case "core":
		soft = 0
	case "nofile":
		soft = 1024
	case "msgqueue":
		soft = 819200
	}
	return Rlimit{Resource: resource, Soft: min(soft, hard), Hard: hard}
}
