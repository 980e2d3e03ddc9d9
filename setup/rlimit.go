package setup

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
