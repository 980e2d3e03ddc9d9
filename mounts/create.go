package mounts

import (
	"path"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/mountfd"
)

// Tmpfs mounts an empty file system in memory (tmpfs(5)).
func (t *Tree) Tmpfs(m *setup.Mount) error {
	options := sized(m.Size, octal(m.Mode, 0o755))
	for _, owner := range []struct {
		key string
		id  uint32
	}{{"uid", m.UID}, {"gid", m.GID}} {
		if owner.id != 0 {
			options = append(options, mountfd.Option{Key: owner.key, Value: strconv.FormatUint(uint64(owner.id), 10)})
		}
	}
	fd, err := t.newFS("tmpfs", "tmpfs", int(m.Attributes()), options...)
	if err != nil {
		return setup.Fail("mount", m.Target, err)
	}
	defer unix.Close(fd)
	if err := t.attach(fd, m.Target); err != nil {
		return setup.Fail("mount", m.Target, err)
	}
	if !m.ReadOnly {
		t.adopt(fd)
	}
	return nil
}

// sized are the options of a tmpfs: its mode, and unless it is 0 its size.
func sized(size uint64, mode string) []mountfd.Option {
	options := []mountfd.Option{{Key: "mode", Value: mode}}
	if size != 0 {
		options = append(options, mountfd.Option{Key: "size", Value: strconv.FormatUint(size, 10)})
	}
	return options
}

// Dir makes a directory, unless there is one.
func (t *Tree) Dir(m *setup.Mount) error {
	fd, err := t.dir(m.Target, mode(m.Mode, 0o755))
	if err != nil {
		return setup.Fail("dir", m.Target, err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return setup.Fail("dir", m.Target, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return setup.Fail("dir", m.Target, unix.ENOTDIR)
	}
	return nil
}

// Symlink makes a symbolic link with the text m.Source.
func (t *Tree) Symlink(m *setup.Mount) error {
	parent, err := t.clearing(m.Target)
	if err != nil {
		return setup.Fail("symlink", m.Target, err)
	}
	return setup.Fail("symlink", m.Target, unix.Symlinkat(m.Source, parent, path.Base(m.Target)))
}

// Mqueue mounts the POSIX message queues of the jail's IPC namespace
// (mq_overview(7)).
func (t *Tree) Mqueue(m *setup.Mount) error {
	return t.newMount(m, "mqueue", unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOEXEC, "")
}

// Sys mounts the sysfs of the jail's network namespace, read-only (sysfs(5)).
// The kernel refuses it where parts of the surrounding sysfs are hidden.
func (t *Tree) Sys(m *setup.Mount) error {
	attr := unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC | unix.MOUNT_ATTR_RDONLY
	err := t.newMount(m, "sysfs", attr, "the surrounding container hides parts of its /sys, so the kernel refuses a new one; --ro /sys shows that of the host")
	for _, part := range firmware {
		if err == nil {
			err = t.Mask(&setup.Mount{Target: m.Target + "/" + part})
		}
	}
	return err
}

// firmware are the parts of sysfs about the machine and the host's policy.
var firmware = []string{"firmware", "fs/selinux"}

func (t *Tree) newMount(m *setup.Mount, fstype string, attr int, hint string) error {
	fd, err := mountfd.New(fstype, fstype, attr)
	if err != nil {
		e := setup.Fail("mount", m.Target, err).(*setup.Error)
		e.Detail = fstype
		if err == unix.EPERM {
			e.Hint = hint
		}
		return e
	}
	defer unix.Close(fd)
	return setup.Fail("mount", m.Target, t.attach(fd, m.Target))
}

func mode(m, standard uint32) uint32 {
	if m == 0 {
		return standard
	}
	return m
}

func octal(m, standard uint32) string {
	return "0" + strconv.FormatUint(uint64(mode(m, standard)), 8)
}
