package mounts

import (
	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/mountfd"
)

// hardened is what every mount gets unless the plan says otherwise.
const hardened = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV

// A Tree is the file system of a jail while it is being built.
type Tree struct {
	root int      // O_PATH descriptor of the root mount
	own  []uint64 // devices of the file systems made for this jail

	lastDir string // directory in which something was made last, "" for none
	last    int    // its descriptor
}

// New makes the root of the tree and mounts it over the old root, where only
// its descriptor finds it. source is the detached mount of r.Source if
// jailspawn prepared it, else -1.
func New(r *setup.Root, source int) (*Tree, error) {
	t := &Tree{root: source}
	var err error
	switch {
	case r.Source == "":
		t.root, err = mountfd.New("tmpfs", "jail", hardened, mountfd.Option{Key: "mode", Value: "0755"})
	case source < 0:
		t.root, err = cloneSource(r.Source, setup.Mount{ReadOnly: !r.Writable})
	}
	if err != nil {
		return nil, rootError(r.Source, err)
	}
	if r.Source == "" {
		t.adopt(t.root)
	}
	old, err := unix.Open("/", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, rootError("/", err)
	}
	defer unix.Close(old)
	if err := mountfd.Attach(t.root, old); err != nil {
		return nil, rootError(r.Source, err)
	}
	return t, nil
}

func rootError(source string, err error) error {
	e := &setup.Error{Step: "root", Target: source}
	e.Errno, _ = err.(unix.Errno)
	switch e.Errno {
	case unix.ENOTDIR:
		e.Hint = "the root of a jail is a directory"
	case unix.EINVAL:
		e.Hint = "a tree of which parts are hidden by mounts can't be bound by an ordinary user"
	}
	return e
}

// adopt notes that the file system at fd was made for this jail, so that
// mount points may be created in it.
func (t *Tree) adopt(fd int) {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) == nil {
		t.own = append(t.own, st.Dev)
	}
}

// Isolate stops mounts made in the jail from appearing outside
// (mount_namespaces(7)). Mounts made outside still come in, until Pivot drops
// all that the plan doesn't name.
func Isolate() error {
	err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, "")
	return setup.Fail("mount", "/", err)
}

// Seal makes the root itself read-only; mounts below it stay as they are.
func (t *Tree) Seal() error {
	return setup.Fail("seal", "/", mountfd.Set(t.root, mountfd.Attr{Set: unix.MOUNT_ATTR_RDONLY}))
}

// Pivot makes the tree the root of this process and all its threads, and drops
// the old one with everything below it (pivot_root(2)).
func (t *Tree) Pivot() error {
	t.forget()
	if err := unix.Fchdir(t.root); err != nil {
		return setup.Fail("pivot", "", err)
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		e := setup.Fail("pivot", "", err).(*setup.Error)
		e.Hint = "jailspawn can't run from a chroot or an initramfs, whose root is no mount point"
		return e
	}
	// Now the old root lies over the new one, and "." is the old one.
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return setup.Fail("pivot", "", err)
	}
	if err := unix.Chdir("/"); err != nil {
		return setup.Fail("pivot", "", err)
	}
	return unix.Close(t.root)
}
