package mounts

import (
	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/mountfd"
)

// devices are the harmless nodes of every /dev, with their numbers
// (Documentation/admin-guide/devices.txt). The host's are bound, as mknod(2)
// is refused in a user namespace.
var devices = []struct {
	name         string
	major, minor uint32
}{
	{"null", 1, 3},
	{"zero", 1, 5},
	{"full", 1, 7},
	{"random", 1, 8},
	{"urandom", 1, 9},
	{"tty", 5, 0},
}

type devLink struct{ text, name string }

var devLinks = []devLink{
	{"/proc/self/fd", "fd"},
	{"/proc/self/fd/0", "stdin"},
	{"/proc/self/fd/1", "stdout"},
	{"/proc/self/fd/2", "stderr"},
	{"pts/ptmx", "ptmx"},
}

// Dev mounts a small /dev: the harmless devices, the usual links, and a devpts
// and a shm of the jail's own. The directory itself is made read-only by Seal.
//
// console is for a jail that gets a terminal of its own, the first of its
// devpts.
func (t *Tree) Dev(m *setup.Mount, console bool) error {
	fail := func(name string, err error) error { return setup.Fail("dev", m.Target+"/"+name, err) }
	dev, err := t.newFS("tmpfs", "dev", unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NOEXEC,
		mountfd.Option{Key: "mode", Value: "0755"}, mountfd.Option{Key: "size", Value: "64k"})
	if err != nil {
		return setup.Fail("dev", m.Target, err)
	}
	if err := t.attach(dev, m.Target); err != nil {
		return setup.Fail("mount", m.Target, err)
	}
	for _, d := range devices {
		if err := device(dev, d.name, unix.Mkdev(d.major, d.minor)); err != nil {
			return fail(d.name, err)
		}
	}
	links := devLinks
	if console {
		links = append(links, devLink{"pts/0", "console"})
	}
	for _, l := range links {
		if err := unix.Symlinkat(l.text, dev, l.name); err != nil {
			return fail(l.name, err)
		}
	}
	if err := t.subMount(dev, "pts", "devpts", mountfd.Option{Key: "mode", Value: "0620"}, mountfd.Option{Key: "ptmxmode", Value: "0666"}); err != nil {
		return fail("pts", err)
	}
	if err := t.subMount(dev, "shm", "tmpfs", mountfd.Option{Key: "mode", Value: "01777"}); err != nil {
		return fail("shm", err)
	}
	t.adopt(dev)
	t.late = append(t.late, dev)
	return nil
}

// device binds the host's node of a device into dir.
func device(dir int, name string, number uint64) error {
	fd, err := cloneDevice("/dev/"+name, number)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.Mknodat(dir, name, unix.S_IFREG|0o666, 0); err != nil {
		return err
	}
	return unix.MoveMount(fd, "", dir, name, unix.MOVE_MOUNT_F_EMPTY_PATH)
}

// cloneDevice returns a detached bind of a device node of the host, once it
// has made sure that it is that character device.
func cloneDevice(name string, number uint64) (int, error) {
	fd, err := mountfd.Clone(unix.AT_FDCWD, name, false)
	if err != nil {
		return -1, err
	}
	var st unix.Stat_t
	if err = unix.Fstat(fd, &st); err == nil && (st.Mode&unix.S_IFMT != unix.S_IFCHR || st.Rdev != number) {
		err = &setup.Error{Step: "dev", Detail: "the host's " + name + " is not that device", Errno: unix.ENODEV}
	}
	if err == nil {
		err = mountfd.Set(fd, mountfd.Attr{Set: unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NOEXEC, Propagation: unix.MS_PRIVATE})
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// subMount makes the directory name in dir and mounts a new file system there.
func (t *Tree) subMount(dir int, name, fstype string, options ...mountfd.Option) error {
	if err := unix.Mkdirat(dir, name, 0o755); err != nil {
		return err
	}
	attr := unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NOEXEC
	if fstype == "tmpfs" {
		attr |= unix.MOUNT_ATTR_NODEV
	}
	fd, err := t.newFS(fstype, fstype, attr, options...)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.MoveMount(fd, "", dir, name, unix.MOVE_MOUNT_F_EMPTY_PATH)
}
