package mounts

import (
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/mountfd"
)

// overlay covers the root by an overlayfs with the root below and a writable
// directory above: one of the host in the mount upper (-1: opened here), else
// one of a tmpfs. The directory's mount lies between the two; all vanish from
// sight with the old root.
//
// In a user namespace overlayfs needs Linux 5.11, keeps its notes in user
// extended attributes, and can't change what belongs to ids that the jail
// doesn't have.
func (t *Tree) overlay(r *setup.Root, upper int) error {
	below := t.root
	up, work := "upper", "work"
	var err error
	switch {
	case r.Upper == "":
		if upper, err = t.newUpper(r.Size, below); err != nil {
			return err
		}
	case upper < 0:
		var dir string
		dir, up, work = r.UpperDir()
		if upper, err = mountfd.Source(&setup.Mount{Type: setup.Bind, Source: dir, Target: "/"}); err != nil {
			return upperError(r, err)
		}
	default:
		_, up, work = r.UpperDir()
	}
	defer unix.Close(upper)
	if err := mountfd.Attach(upper, below); err != nil {
		return err
	}
	upperdir, err := openNoLinks(upper, up)
	if err != nil {
		return upperError(r, err)
	}
	defer unix.Close(upperdir)
	workdir, err := openNoLinks(upper, work)
	if err != nil {
		return upperError(r, err)
	}
	defer unix.Close(workdir)
	t.root, err = mountfd.New("overlay", "overlay", int(r.Bind().Attributes())&^unix.MOUNT_ATTR_RDONLY,
		mountfd.Option{Key: "lowerdir", Value: procPath(below)},
		mountfd.Option{Key: "upperdir", Value: procPath(upperdir)},
		mountfd.Option{Key: "workdir", Value: procPath(workdir)},
		mountfd.Option{Key: "userxattr"},
	)
	if err != nil {
		return overlayError(r, err)
	}
	var fs unix.Statfs_t
	if err = unix.Fstatfs(t.root, &fs); err == nil && fs.Flags&unix.ST_RDONLY != 0 {
		err = unix.EROFS // the kernel's answer to an upper directory that takes no writes
	}
	if err != nil {
		return overlayError(r, err)
	}
	if err := mountfd.Attach(t.root, upper); err != nil {
		return err
	}
	t.below += 2
	return unix.Close(below)
}

// newUpper makes a tmpfs with the two directories of an overlay. The upper one
// lends the root its mode and owner.
func (t *Tree) newUpper(size uint64, below int) (int, error) {
	var st unix.Stat_t
	if err := unix.Fstat(below, &st); err != nil {
		return -1, err
	}
	fd, err := t.newFS("tmpfs", "jail", hardened, sized(size, "0700")...)
	if err != nil {
		return -1, err
	}
	for _, d := range []struct {
		name string
		mode uint32
	}{{"upper", st.Mode & 0o7777}, {"work", 0o700}} {
		if err := unix.Mkdirat(fd, d.name, d.mode); err != nil {
			unix.Close(fd)
			return -1, err
		}
	}
	_ = unix.Fchownat(fd, "upper", int(st.Uid), int(st.Gid), 0) // an unmapped owner stays the jail's root
	return fd, nil
}

// openNoLinks opens a directory below dir; a symbolic link on the way is
// refused.
func openNoLinks(dir int, name string) (int, error) {
	return unix.Openat2(dir, name, &unix.OpenHow{
		Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS,
	})
}

func procPath(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

func upperError(r *setup.Root, err error) error {
	e := setup.Fail("root", r.Source, err).(*setup.Error)
	if e.Detail == "" {
		e.Detail = "overlay with " + r.Upper + " and " + r.Work
	}
	if e.Hint == "" {
		e.Hint = "both are directories that exist, reached over no symbolic link"
	}
	return e
}

func overlayError(r *setup.Root, err error) error {
	e := setup.Fail("root", r.Source, err).(*setup.Error)
	e.Detail = "overlay"
	switch {
	case e.Errno == unix.ENODEV:
		e.Hint = "this kernel has no overlayfs"
	case r.Upper != "" && e.Errno != unix.ELOOP:
		e.Hint = "the upper and the work directory must belong to the caller, lie on a file system that takes writes and extended attributes (no overlay, no network), and be in use by nobody else"
	case e.Errno == unix.EINVAL:
		e.Hint = "an overlay can't lie over a tree with mounts of its own in it, as an ordinary user, nor over a third overlay"
	}
	return e
}
