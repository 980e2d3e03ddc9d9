package mounts

import (
	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/mountfd"
)

// protected are the parts of proc that change the kernel and are made
// read-only. An id without rights on the host couldn't write most of them; a
// jail with identity-mapped ids could.
var protected = []string{"sys", "sysrq-trigger", "irq", "bus", "fs"}

// Proc mounts a fresh procfs (proc(5)).
//
// It needs a PID namespace of the jail's own (pid_namespaces(7)); a proc
// inherited from outside would still list the host's processes. The kernel
// refuses it to a user namespace in whose surroundings parts of proc are
// hidden, as they are in most containers.
//
// limitUserns sets user.max_user_namespaces of the jail's user namespace to 0
// on the way, as only a proc can, before its sys becomes read-only. whole leaves
// all of proc in sight, without which no jail inside could have its own.
func (t *Tree) Proc(m *setup.Mount, limitUserns, whole bool) error {
	attr := unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC
	if m.ReadOnly {
		attr |= unix.MOUNT_ATTR_RDONLY
	}
	fd, err := newProc(m, attr)
	if err == unix.EPERM {
		return &setup.Error{
			Step: "mount", Target: m.Target, Detail: "proc", Errno: unix.EPERM,
			Hint: "the surrounding container hides parts of its /proc, so the kernel refuses a new one; --proc host shows that of the surroundings, --proc none leaves it out",
		}
	}
	if err != nil {
		return setup.Fail("mount", m.Target, err)
	}
	defer unix.Close(fd)
	if err := t.attach(fd, m.Target); err != nil {
		return setup.Fail("mount", m.Target, err)
	}
	if limitUserns {
		if err := LimitUserns(fd); err != nil {
			return err
		}
	}
	if whole {
		return nil
	}
	if err := t.maskProc(fd, m.Target); err != nil {
		return err
	}
	for _, name := range protected {
		if err := protect(fd, name); err != nil {
			return setup.Fail("mount", m.Target+"/"+name, err)
		}
	}
	return nil
}

// newProc makes a procfs as m describes it.
//
// Members of the group that its files belong to are exempt from hidepid, and by
// default that is the group of the jail's root: nogroup is given instead,
// where the jail has it.
func newProc(m *setup.Mount, attr int) (int, error) {
	var options []mountfd.Option
	if m.Subset != "" {
		options = append(options, mountfd.Option{Key: "subset", Value: m.Subset})
	}
	if m.HidePID != "" {
		options = append(options, mountfd.Option{Key: "hidepid", Value: m.HidePID})
		fd, err := mountfd.New("proc", "proc", attr, append(options, mountfd.Option{Key: "gid", Value: "65534"})...)
		if err != unix.EINVAL {
			return fd, err
		}
	}
	return mountfd.New("proc", "proc", attr, options...)
}

// LimitUserns keeps the jail from making user namespaces, by a sysctl of its
// own one (user.max_user_namespaces of namespaces(7)). proc is the descriptor
// of a procfs, or -1 for that of the old view.
func LimitUserns(proc int) error {
	const name = "sys/user/max_user_namespaces"
	var err error
	if proc >= 0 {
		err = writeAt(proc, name, "0")
	} else {
		err = writeAt(unix.AT_FDCWD, "/proc/"+name, "0")
	}
	if err == nil {
		return nil
	}
	e := setup.Fail("sysctl", "user.max_user_namespaces", err).(*setup.Error)
	e.Hint = "the jail needs a proc of its own for it, or leave to make user namespaces (--allow-userns)"
	return e
}

// masked are the parts of proc that tell about the host's kernel and hardware.
var masked = []string{"acpi", "asound", "kcore", "keys", "latency_stats", "timer_list", "timer_stats", "sched_debug", "scsi"}

// maskProc hides them, where this kernel has them.
func (t *Tree) maskProc(proc int, at string) error {
	for _, name := range masked {
		target, err := openBelow(proc, name)
		if err == unix.ENOENT {
			continue
		}
		if err == nil {
			err = t.cover(target)
			unix.Close(target)
		}
		if err != nil {
			return setup.Fail("mask", at+"/"+name, err)
		}
	}
	return nil
}

// protect covers a part of the mount at dir by a read-only bind of itself.
func protect(dir int, name string) error {
	fd, err := mountfd.Clone(dir, name, true)
	if err == unix.ENOENT {
		return nil // not in this kernel
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := mountfd.Set(fd, mountfd.Attr{Set: unix.MOUNT_ATTR_RDONLY, Recursive: true}); err != nil {
		return err
	}
	return unix.MoveMount(fd, "", dir, name, unix.MOVE_MOUNT_F_EMPTY_PATH)
}

func writeAt(dir int, name, value string) error {
	fd, err := unix.Openat(dir, name, unix.O_WRONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = unix.Write(fd, []byte(value))
	return err
}
