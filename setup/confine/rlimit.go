package confine

import (
	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// Limits sets the resource limits (setrlimit(2)) of this process and so of the
// payload. Raising a hard limit needs CAP_SYS_RESOURCE on the host, which no
// user namespace gives; where jailspawn has it, it did so before.
func Limits(limits []setup.Rlimit) error {
	for _, last := range []bool{false, true} {
		for _, l := range limits {
			// jailinit itself needs memory until the payload runs.
			if last != (l.Resource == "as" || l.Resource == "data") {
				continue
			}
			rlimit := unix.Rlimit{Cur: l.Soft, Max: l.Hard}
			if err := unix.Prlimit(0, setup.RlimitNumber(l.Resource), &rlimit, nil); err != nil {
				e := setup.Fail("rlimit", l.Resource, err).(*setup.Error)
				if err == unix.EPERM {
					e.Hint = "the hard limit can't be raised above the caller's"
				}
				return e
			}
		}
	}
	return nil
}
