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
// on the way, as only a proc can, before its sys becomes read-only.
func (t *Tree) Proc(m *setup.Mount, limitUserns bool) error {
	attr := unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC
	if m.ReadOnly {
		attr |= unix.MOUNT_ATTR_RDONLY
	}
	fd, err := mountfd.New("proc", "proc", attr)
	if err == unix.EPERM {
		return &setup.Error{
			Step: "mount", Target: m.Target, Detail: "proc", Errno: unix.EPERM,
			Hint: "the surrounding container hides parts of its /proc, so the kernel refuses a new one",
		}
	}
	if err != nil {
		return setup.Fail("mount", m.Target, err)
	}
	defer unix.Close(fd)
	if err := t.attach(fd, m.Target); err != nil {
		return setup.Fail("mount", m.Target, err)
	}
	if limitUserns && !m.ReadOnly {
		if err := writeAt(fd, "sys/user/max_user_namespaces", "0"); err != nil {
			return setup.Fail("sysctl", "user.max_user_namespaces", err)
		}
	}
	for _, name := range protected {
		if err := protect(fd, name); err != nil {
			return setup.Fail("mount", m.Target+"/"+name, err)
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
