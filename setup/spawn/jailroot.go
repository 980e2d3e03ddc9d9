package spawn

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// becomeJailRoot gives the calling thread, and it alone, the host's ids that
// are uid and gid 0 of the jail, or the first of one that has no 0, and no
// supplementary group, so that jailinit
// is born with them: it can't take them on before its maps are written, and to
// change all threads of a running Go program costs more. The saved ids stay,
// by which restore gets everything back. It needs CAP_SETUID and CAP_SETGID;
// for an ordinary user, whose jail has his own id, it does nothing.
//
// The kernel makes this process non-dumpable for it (PR_SET_DUMPABLE), which
// suits one that holds root's descriptors.
//
// intoCgroup says that the jail is cloned into a cgroup, for which the kernel
// asks whether this thread may write to root's files.
func becomeJailRoot(p *setup.Plan, c *caller, intoCgroup bool) (restore func(), err error) {
	uid, gid, other := jailRoot(p, c)
	if !other {
		return func() {}, nil
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
		func() error { return keepEffective(intoCgroup) },
	} {
		if err := step(); err != nil {
			restore()
			return nil, setup.Fail("ids", "", err)
		}
	}
	return restore, nil
}

// keepEffective makes capabilities effective again for this thread, which to
// become another user than root has taken from it: CAP_SYS_ADMIN, as some
// systems let nobody else make user namespaces (kernel.unprivileged_userns_clone,
// kernel.apparmor_restrict_unprivileged_userns), and to write to others' files.
func keepEffective(overrideFiles bool) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return err
	}
	wanted := uint32(1 << unix.CAP_SYS_ADMIN)
	if overrideFiles {
		wanted |= 1 << unix.CAP_DAC_OVERRIDE
	}
	data[0].Effective |= wanted & data[0].Permitted
	return unix.Capset(&header, &data[0])
}

// jailRoot returns the host's ids as whom jailinit is born, if they are other than
// the caller's.
func jailRoot(p *setup.Plan, c *caller) (uid, gid uint32, other bool) {
	if p.Shares(setup.UserNS) || !c.root() || p.IDs.Map == setup.MapIdentity {
		return 0, 0, false
	}
	return rootOf(p.IDs.UIDs), rootOf(p.IDs.GIDs), true
}

// rootOf returns the host's id as whom jailinit builds the jail.
func rootOf(maps []setup.IDMap) uint32 {
	if id, ok := setup.Outside(maps, 0); ok {
		return id
	}
	return maps[0].Outside
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
