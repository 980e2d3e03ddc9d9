package mounts

import (
	"path"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// inside keeps a lookup below the root of the tree: "..", absolute and
// relative symbolic links resolve as in a chroot, links of /proc are refused.
const inside = unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS

// open returns an O_PATH descriptor of what stands at name in the tree.
func (t *Tree) open(name string) (int, error) {
	return t.openHow(name, unix.O_PATH, 0)
}

func (t *Tree) openHow(name string, flags, resolve uint64) (int, error) {
	for {
		fd, err := unix.Openat2(t.root, name, &unix.OpenHow{
			Flags:   flags | unix.O_CLOEXEC,
			Resolve: inside | resolve,
		})
		// EAGAIN: a rename somewhere raced with a "..", which the kernel
		// could not prove to stay inside.
		if err != unix.EINTR && err != unix.EAGAIN {
			return fd, err
		}
	}
}

// dir returns a descriptor of the directory name, and makes it with its
// parents where they are missing.
func (t *Tree) dir(name string, mode uint32) (int, error) {
	fd, err := t.open(name)
	if err != unix.ENOENT {
		return fd, err
	}
	parent, err := t.parent(name)
	if err != nil {
		return -1, err
	}
	defer unix.Close(parent)
	if err := unix.Mkdirat(parent, path.Base(name), mode); err != nil && err != unix.EEXIST {
		return -1, err
	}
	return t.open(name)
}

// file returns a descriptor of the file name, and makes an empty one where it
// is missing.
func (t *Tree) file(name string) (int, error) {
	fd, err := t.open(name)
	if err != unix.ENOENT {
		return fd, err
	}
	parent, err := t.parent(name)
	if err != nil {
		return -1, err
	}
	defer unix.Close(parent)
	if err := unix.Mknodat(parent, path.Base(name), unix.S_IFREG|0o644, 0); err != nil && err != unix.EEXIST {
		return -1, err
	}
	return t.open(name)
}

// parent returns the directory that name is to be created in. It must lie on
// a file system of the jail's own: nothing is ever created on the host.
func (t *Tree) parent(name string) (int, error) {
	dir := path.Dir(name)
	fd, err := t.dir(dir, 0o755)
	if err != nil {
		return -1, err
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		unix.Close(fd)
		return -1, err
	}
	for _, dev := range t.own {
		if dev == st.Dev {
			return fd, nil
		}
	}
	unix.Close(fd)
	return -1, &setup.Error{
		Step:   "mount",
		Detail: name + " is missing, and " + dir + " belongs to the host, where nothing is created",
		Errno:  unix.ENOENT,
		Hint:   "create it there, or choose another place",
	}
}
