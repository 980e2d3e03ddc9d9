package mounts

import (
	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/mountfd"
)

// Mask hides what stands at the target. A file is covered by /dev/null, a
// directory by an empty read-only one that all masks share. What doesn't exist
// is hidden already.
func (t *Tree) Mask(m *setup.Mount) error {
	target, err := t.open(m.Target)
	if err == unix.ENOENT {
		return nil
	}
	if err != nil {
		return setup.Fail("mask", m.Target, err)
	}
	defer unix.Close(target)
	return setup.Fail("mask", m.Target, t.cover(target))
}

// cover puts a mask on the file or directory target.
func (t *Tree) cover(target int) error {
	var st unix.Stat_t
	if err := unix.Fstat(target, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		null, err := cloneDevice("/dev/null", unix.Mkdev(1, 3))
		if err != nil {
			return err
		}
		defer unix.Close(null)
		return t.attachTo(null, target)
	}
	blank, err := t.blank()
	if err != nil {
		return err
	}
	defer unix.Close(blank)
	return t.attachTo(blank, target)
}

// blank returns a detached mount of the empty directory of all masks. The first
// has to be attached before the next is asked for.
func (t *Tree) blank() (int, error) {
	if t.mask >= 0 {
		return mountfd.Clone(t.mask, "", false)
	}
	attr := hardened | unix.MOUNT_ATTR_NOEXEC | unix.MOUNT_ATTR_RDONLY
	empty, err := t.newFS("tmpfs", "mask", attr, sized(0, "0555")...)
	if err != nil {
		return -1, err
	}
	t.mask = empty
	return unix.FcntlInt(uintptr(empty), unix.F_DUPFD_CLOEXEC, 0)
}

// Protect makes a path read-only in place, with all that is mounted below it.
func (t *Tree) Protect(m *setup.Mount) error {
	target, err := t.open(m.Target)
	if err != nil {
		return setup.Fail("protect", m.Target, err)
	}
	defer unix.Close(target)
	fd, err := mountfd.Clone(target, "", true)
	if err != nil {
		return setup.Fail("protect", m.Target, err)
	}
	defer unix.Close(fd)
	if err := mountfd.Set(fd, mountfd.Attr{Set: unix.MOUNT_ATTR_RDONLY, Recursive: true}); err != nil {
		return setup.Fail("protect", m.Target, err)
	}
	return setup.Fail("protect", m.Target, t.attachTo(fd, target))
}
