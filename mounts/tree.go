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
	root     int      // O_PATH descriptor of the root mount
	own      []uint64 // devices of the file systems made for this jail
	stage    int      // directory of the jail's own for files to be bound elsewhere, or -1
	staged   []string // the files in it
	late     []int    // mounts that become read-only when all are made
	below    int      // how many mounts lie between the old root and this one
	mirrored bool     // a mirror has copied mounts
	mask     int      // the empty directory of all masks, or -1

	lastDir string // directory in which something was made last, "" for none
	last    int    // its descriptor
	keptDir string // directory in which a name was kept last, "" for none
	kept    int    // its descriptor

	context string // SELinux context of the files in them, or empty
}

// New makes the root of the tree and mounts it over the old root, where only
// its descriptor finds it. source and upper are the detached mounts of r.Source
// and of the directory for an overlay's writes, if jailspawn prepared them,
// else -1; context is the SELinux context of the files in file systems made
// here, or empty.
func New(r *setup.Root, source, upper int, context string) (*Tree, error) {
	t := &Tree{root: source, context: context, stage: -1, mask: -1}
	old, err := unix.Open("/", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, rootError("/", err)
	}
	defer unix.Close(old)
	switch {
	case r.Source == "":
		t.root, err = t.newFS("tmpfs", "jail", hardened, sized(r.Size, "0755")...)
	case source < 0:
		t.root, err = mountfd.Source(r.Bind())
	}
	if err == nil && !r.Own() {
		err = t.makeStage(old)
	}
	if err == nil {
		err = mountfd.Attach(t.root, old)
	}
	if err == nil && r.Overlay {
		err = t.overlay(r, upper)
	}
	if err != nil {
		return nil, rootError(r.Source, err)
	}
	if r.Own() {
		t.adopt(t.root)
		t.stage = t.root
	}
	return t, nil
}

// makeStage mounts a file system of the jail's own between the old root and
// the new one, which vanishes with the old one.
func (t *Tree) makeStage(old int) (err error) {
	if t.stage, err = t.newFS("tmpfs", "jail", hardened, sized(0, "0700")...); err != nil {
		return err
	}
	t.below++
	return mountfd.Attach(t.stage, old)
}

func rootError(source string, err error) error {
	e := setup.Fail("root", source, err).(*setup.Error)
	e.Step, e.Target = "root", source
	if e.Hint != "" {
		return e
	}
	switch e.Errno {
	case unix.ENOTDIR:
		e.Hint = "the root of a jail is a directory, or an image if root starts it"
	case unix.EINVAL:
		e.Hint = "a tree of which parts are hidden by mounts can't be bound by an ordinary user"
	}
	return e
}

// newFS makes a file system of the jail's own, of a type that has inodes of its
// own to label: with the context, if there is one (mount(8), context=).
func (t *Tree) newFS(fstype, source string, attr int, options ...mountfd.Option) (int, error) {
	if t.context != "" {
		options = append(options, mountfd.Option{Key: "context", Value: t.context})
	}
	return mountfd.New(fstype, source, attr, options...)
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

// Seal makes read-only what was left writable for mount points to be made in
// it, and with root the root itself, now that nothing more is made in it.
// Mounts below them stay as they are.
func (t *Tree) Seal(root bool) error {
	for _, name := range t.staged {
		// What is bound needs no name, but a mirror could not have bound it
		// anew without one.
		if err := unix.Unlinkat(t.stage, name, 0); err != nil {
			return setup.Fail("seal", "", err)
		}
	}
	for _, fd := range t.late {
		err := mountfd.Set(fd, mountfd.Attr{Set: unix.MOUNT_ATTR_RDONLY})
		if err == nil && t.mirrored {
			// What shows may be a copy of this mount.
			err = mountfd.SuperReadOnly(fd)
		}
		if err != nil {
			return setup.Fail("seal", "", err)
		}
		unix.Close(fd)
	}
	if !root {
		return nil
	}
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
	// Now the old root lies over the new one, and over the old root what was
	// mounted there on the way. "." is the topmost of them.
	for range t.below + 1 {
		if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
			return setup.Fail("pivot", "", err)
		}
	}
	if err := unix.Chdir("/"); err != nil {
		return setup.Fail("pivot", "", err)
	}
	if t.below > 0 {
		if alone, err := sameMount(unix.AT_FDCWD, "/..", t.root); err != nil || !alone {
			return &setup.Error{Step: "pivot", Detail: "something is left over the new root"}
		}
	}
	return unix.Close(t.root)
}
