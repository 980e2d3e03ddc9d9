// Package confine takes from the payload what it is not to have: identity,
// capabilities, limits, what is left of the caller. It runs in jailinit, on
// the one thread that then starts the payload and ends, so nothing of it has
// to be undone.
//
// All calls but [Limits], [ResetSignals] and [Descriptors] change the calling
// thread only; the caller has locked it (runtime.LockOSThread).
package confine

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// Limits sets the resource limits (setrlimit(2)). Raising a hard limit needs
// CAP_SYS_RESOURCE on the host, which no user namespace gives.
func Limits(limits []setup.Rlimit) error {
	for _, l := range limits {
		rlimit := unix.Rlimit{Cur: l.Soft, Max: l.Hard}
		if err := unix.Prlimit(0, setup.RlimitNumber(l.Resource), &rlimit, nil); err != nil {
			e := setup.Fail("rlimit", l.Resource, err).(*setup.Error)
			if err == unix.EPERM {
				e.Hint = "the hard limit can't be raised above the caller's"
			}
			return e
		}
	}
	return nil
}

// Keyring gives the thread a new, empty session keyring (keyrings(7)), so that
// the payload doesn't possess the caller's keys. A kernel without keyrings has
// nothing to leave behind.
func Keyring() error {
	_, err := unix.KeyctlInt(unix.KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0)
	if err == unix.ENOSYS {
		return nil
	}
	return setup.Fail("keyring", "session", err)
}

// Bounding drops all capabilities but those in keep from the bounding set, and
// all from the ambient one (capabilities(7)). It needs CAP_SETPCAP.
func Bounding(keep uint64) error {
	if err := prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0); err != nil {
		return setup.Fail("capabilities", "ambient", err)
	}
	for c := uintptr(0); c < 64; c++ {
		if keep&(1<<c) != 0 {
			continue
		}
		err := prctl(unix.PR_CAPBSET_DROP, c, 0)
		if err == unix.EINVAL {
			return nil // the kernel's last capability is behind us
		}
		if err != nil {
			return setup.Fail("capabilities", "bounding", err)
		}
	}
	return nil
}

// Identity takes on the payload's ids and keeps the permitted capabilities for
// [Capabilities]. Supplementary groups are set unless the user namespace
// denies setgroups(2): there an ordinary caller's groups stay, shown as 65534.
func Identity(p *setup.Process) error {
	if err := prctl(unix.PR_SET_KEEPCAPS, 1, 0); err != nil {
		return setup.Fail("identity", "", err)
	}
	if err := setgroups(p.Groups); err != nil && !(err == unix.EPERM && len(p.Groups) == 0) {
		e := setup.Fail("identity", "groups", err).(*setup.Error)
		e.Hint = "an ordinary user's jail can't change its groups"
		return e
	}
	if err := threadCall(unix.SYS_SETRESGID, p.GID); err != nil {
		return setup.Fail("identity", "gid", err)
	}
	return setup.Fail("identity", "uid", threadCall(unix.SYS_SETRESUID, p.UID))
}

// threadCall sets the three ids of this thread alone. The functions of the
// standard library would set them on every thread of jailinit.
func threadCall(call uintptr, id uint32) error {
	_, _, errno := unix.RawSyscall(call, uintptr(id), uintptr(id), uintptr(id))
	return orNil(errno)
}

func setgroups(groups []uint32) error {
	_, _, errno := unix.RawSyscall(unix.SYS_SETGROUPS, uintptr(len(groups)), uintptr(unsafe.Pointer(unsafe.SliceData(groups))), 0)
	return orNil(errno)
}

// Capabilities leaves exactly keep in the permitted, effective, inheritable
// and ambient sets, so that the payload has it whatever its uid is.
func Capabilities(keep uint64) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	low, high := uint32(keep), uint32(keep>>32)
	data := [2]unix.CapUserData{
		{Effective: low, Permitted: low, Inheritable: low},
		{Effective: high, Permitted: high, Inheritable: high},
	}
	if err := unix.Capset(&header, &data[0]); err != nil {
		return setup.Fail("capabilities", "", err)
	}
	for c := uintptr(0); c < 64; c++ {
		if keep&(1<<c) == 0 {
			continue
		}
		if err := prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, c); err != nil {
			return setup.Fail("capabilities", "ambient", err)
		}
	}
	return nil
}

// NoNewPrivileges makes set-user-ID bits and file capabilities without effect
// for good (PR_SET_NO_NEW_PRIVS, Linux 3.5).
func NoNewPrivileges() error {
	return setup.Fail("no_new_privs", "", prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0))
}

func prctl(option int, a, b uintptr) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_PRCTL, uintptr(option), a, b, 0, 0, 0)
	return orNil(errno)
}

func orNil(errno unix.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}
