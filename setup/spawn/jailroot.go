package spawn

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// becomeJailRoot gives the calling thread, and it alone, the host's ids that
// are uid and gid 0 of the jail, and no supplementary group, so that jailinit
// is born with them: it can't take them on before its maps are written, and to
// change all threads of a running Go program costs more. The saved ids stay,
// by which restore gets everything back. It needs CAP_SETUID and CAP_SETGID;
// for an ordinary user, whose jail has his own id, it does nothing.
//
// The kernel makes this process non-dumpable for it (PR_SET_DUMPABLE), which
// suits one that holds root's descriptors.
func becomeJailRoot(p *setup.Plan) (restore func(), err error) {
	if p.Shares(setup.UserNS) || p.IDs.Single() || p.IDs.Map == setup.MapIdentity {
		return func() {}, nil
	}
	uid, uidOK := setup.Outside(p.IDs.UIDs, 0)
	gid, gidOK := setup.Outside(p.IDs.GIDs, 0)
	if !uidOK || !gidOK {
		return nil, setup.Misuse("ids", "uid and gid 0 are in no line", "jailinit needs them; map them to ids that nobody has")
	}
	groups, err := unix.Getgroups()
	if err != nil {
		return nil, setup.Fail("ids", "groups", err)
	}
	old, ownGID := threadGroups(groups), uint32(unix.Getegid())
	restore = func() {
		// Back to where we came from: if that fails, something has taken our
		// rights away, and to go on as half a root would be worse.
		if setIDs(unix.SYS_SETRESUID, 0, 0) != nil || setIDs(unix.SYS_SETRESGID, ownGID, ownGID) != nil || setThreadGroups(old) != nil {
			panic("spawn: the kernel refused to give root its own ids back")
		}
	}
	for _, step := range []func() error{
		func() error { return setThreadGroups(nil) },
		func() error { return setIDs(unix.SYS_SETRESGID, gid, ownGID) },
		func() error { return setIDs(unix.SYS_SETRESUID, uid, 0) },
	} {
		if err := step(); err != nil {
			restore()
			return nil, setup.Fail("ids", "", err)
		}
	}
	return restore, nil
}

// setIDs sets the real and effective id of this thread to id, and the saved
// one (setresuid(2), setresgid(2)).
func setIDs(call uintptr, id, saved uint32) error {
	_, _, errno := unix.RawSyscall(call, uintptr(id), uintptr(id), uintptr(saved))
	if errno != 0 {
		return errno
	}
	return nil
}

func threadGroups(groups []int) []uint32 {
	out := make([]uint32, len(groups))
	for i, g := range groups {
		out[i] = uint32(g)
	}
	return out
}

func setThreadGroups(groups []uint32) error {
	_, _, errno := unix.RawSyscall(unix.SYS_SETGROUPS, uintptr(len(groups)), uintptr(unsafe.Pointer(unsafe.SliceData(groups))), 0)
	if errno != 0 {
		return errno
	}
	return nil
}
