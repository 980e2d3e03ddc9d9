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

// Keyring gives the thread a new, empty session keyring (keyrings(7)), so that
// the payload doesn't possess the caller's keys. A kernel without keyrings has
// nothing to leave behind.
func Keyring() error {
	_, err := unix.KeyctlInt(unix.KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0)
	if err == unix.ENOSYS {
		return nil
	}
	if err == unix.EDQUOT {
		return &setup.Error{
			Step: "keyring", Detail: "the caller's quota of keys is used up, of which each jail takes one", Errno: unix.EDQUOT,
			Hint: "raise the sysctl kernel.keys.maxkeys, 200 by default; see /proc/key-users",
		}
	}
	return setup.Fail("keyring", "session", err)
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

// NoNewPrivileges makes set-user-ID bits and file capabilities without effect
// for good (PR_SET_NO_NEW_PRIVS, Linux 3.5), unless the plan lets them count.
// No right changes any more then, so what there is is verified.
func NoNewPrivileges(p *setup.Process, ids *setup.IDs, r Rights) error {
	if p.AllowSetuid {
		return nil
	}
	if err := prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0); err != nil {
		return setup.Fail("no_new_privs", "", err)
	}
	return Verify(p, ids, r)
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
