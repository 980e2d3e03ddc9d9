package mounts

import (
	"errors"
	"path"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/mountfd"
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
	return t.create(name, func(parent int, base string) error { return unix.Mkdirat(parent, base, mode) })
}

// create makes what is missing at name and opens it.
func (t *Tree) create(name string, call func(parent int, base string) error) (int, error) {
	parent, err := t.clearing(name)
	if err != nil {
		return -1, err
	}
	base := path.Base(name)
	if err := replace(parent, base, call); err != nil {
		return -1, err
	}
	return openBelow(parent, base)
}

// replace makes base in a directory of the jail's own. A link or file that is
// there already gives way; a directory stays.
func replace(parent int, base string, call func(parent int, base string) error) error {
	err := call(parent, base)
	if err != unix.EEXIST {
		return err
	}
	err = unix.Unlinkat(parent, base, 0)
	if err == unix.EISDIR {
		return nil
	}
	if err != nil {
		return err
	}
	return call(parent, base)
}

func openBelow(dir int, base string) (int, error) {
	return unix.Openat(dir, base, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
}

// errHost is a directory of the host, where nothing is created.
var errHost = errors.New("a directory of the host")

// parent returns the directory that name is to be created in. It must lie on a
// file system of the jail's own. The descriptor is the tree's, and good until
// the next call.
func (t *Tree) parent(name string) (int, error) {
	dir := path.Dir(name)
	if dir == t.lastDir {
		return t.last, nil
	}
	fd, err := t.dir(dir, 0o755)
	if err != nil {
		return -1, err
	}
	if !t.owns(fd) {
		unix.Close(fd)
		return -1, errHost
	}
	t.remember(dir, fd)
	return fd, nil
}

// clearing is parent for a name that is missing: a directory of the host is
// first covered by one of the jail's own with the same entries.
func (t *Tree) clearing(name string) (int, error) {
	fd, err := t.parent(name)
	if err != errHost {
		return fd, err
	}
	dir := path.Dir(name)
	host, err := t.open(dir)
	if err != nil {
		return -1, err
	}
	defer unix.Close(host)
	own, err := t.mirror(host)
	if err == errHost {
		return -1, &setup.Error{
			Step:   "mount",
			Detail: name + " is missing, and " + dir + " is a writable directory of the host, where nothing is created",
			Errno:  unix.ENOENT,
			Hint:   "create it there, or choose another place",
		}
	}
	if err != nil {
		return -1, err
	}
	t.remember(dir, own)
	return own, nil
}

// owns reports whether fd lies on a file system that was made for this jail.
func (t *Tree) owns(fd int) bool {
	var st unix.Stat_t
	return unix.Fstat(fd, &st) == nil && slices.Contains(t.own, st.Dev)
}

// remember keeps the directory in which something was made, as the next thing
// is most often made beside it.
func (t *Tree) remember(dir string, fd int) {
	t.forget()
	t.lastDir, t.last = dir, fd
}

// forget is called when a mount may have covered a remembered directory.
func (t *Tree) forget() {
	t.forgetKept()
	if t.lastDir != "" {
		unix.Close(t.last)
		t.lastDir = ""
	}
}

// attach puts a detached mount at name, which is made where it is missing: a
// directory for a directory, an empty file for anything else.
func (t *Tree) attach(mount int, name string) error {
	var st unix.Stat_t
	if err := unix.Fstat(mount, &st); err != nil {
		return err
	}
	point := func(dir int, base string) error { return makePoint(dir, base, st.Mode) }
	parent, err := t.parent(name)
	if err == nil {
		if err = point(parent, path.Base(name)); err == nil {
			// Just made, so it is no symbolic link and nothing lies over it.
			return unix.MoveMount(mount, "", parent, path.Base(name), unix.MOVE_MOUNT_F_EMPTY_PATH)
		}
	}
	if err != errHost && err != unix.EEXIST {
		return err
	}
	target, err := t.open(name)
	if err == unix.ENOENT {
		target, err = t.create(name, point)
	}
	if err != nil {
		return err
	}
	defer unix.Close(target)
	return t.attachTo(mount, target)
}

// attachTo puts a detached mount on what exists already.
func (t *Tree) attachTo(mount, target int) error {
	if root, err := sameMount(target, "", t.root); err != nil || root {
		return &setup.Error{Step: "mount", Detail: "it leads to the root itself", Errno: unix.ELOOP}
	}
	t.forget() // it may be covered now
	return mountfd.Attach(mount, target)
}

// makePoint makes a mount point for something of the given mode.
func makePoint(dir int, name string, mode uint32) error {
	if mode&unix.S_IFMT == unix.S_IFDIR {
		return unix.Mkdirat(dir, name, 0o755)
	}
	return unix.Mknodat(dir, name, unix.S_IFREG|0o644, 0)
}
