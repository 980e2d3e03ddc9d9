// Package mountfd wraps the descriptor-based mount calls of Linux: open_tree(2),
// move_mount(2), fsopen(2), fsconfig(2), fsmount(2) (all 5.2) and
// mount_setattr(2) (5.12). Both halves use it, jailspawn for the mounts that
// need the host's privilege and jailinit for all others.
//
// A mount made here is detached: no path leads to it until [Attach]. Every
// descriptor is close-on-exec. Errors are plain errnos; the caller knows the
// step. All calls but [Attach] need CAP_SYS_ADMIN over the caller's mount
// namespace; descriptors of mounts may cross into another one.
package mountfd

import "golang.org/x/sys/unix"

// Attr says what to change on a mount.
type Attr struct {
	Set         uint64 // MOUNT_ATTR_* to set
	Clear       uint64 // MOUNT_ATTR_* to clear
	Propagation uint64 // MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE or 0
	UserNS      int    // with MOUNT_ATTR_IDMAP in Set: a user namespace
	Recursive   bool   // all mounts below, in one step
}

// Clone returns a detached copy of the mount tree at path, which is looked up
// from dir; an empty path means dir itself. Submounts come along if recursive.
func Clone(dir int, path string, recursive bool) (int, error) {
	flags := uint(unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC | unix.AT_EMPTY_PATH)
	if recursive {
		flags |= unix.AT_RECURSIVE
	}
	return retry(func() (int, error) { return unix.OpenTree(dir, path, flags) })
}

// Set changes the mount that fd refers to.
func Set(fd int, a Attr) error {
	flags := uint(unix.AT_EMPTY_PATH)
	if a.Recursive {
		flags |= unix.AT_RECURSIVE
	}
	return unix.MountSetattr(fd, "", flags, &unix.MountAttr{
		Attr_set:    a.Set,
		Attr_clr:    a.Clear,
		Propagation: a.Propagation,
		Userns_fd:   uint64(a.UserNS),
	})
}

// Attach puts the detached mount fd on the target, an O_PATH descriptor.
func Attach(fd, target int) error {
	return unix.MoveMount(fd, "", target, "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH)
}

// Option is one fsconfig string: "mode" and "0755". An empty value sets a flag.
type Option struct{ Key, Value string }

// New returns a detached mount of a new instance of a file system. attr is made
// of MOUNT_ATTR_*.
func New(fstype, source string, attr int, options ...Option) (int, error) {
	fs, err := retry(func() (int, error) { return unix.Fsopen(fstype, unix.FSOPEN_CLOEXEC) })
	if err != nil {
		return -1, err
	}
	defer unix.Close(fs)
	if err := unix.FsconfigSetString(fs, "source", source); err != nil {
		return -1, err
	}
	for _, o := range options {
		if o.Value == "" {
			err = unix.FsconfigSetFlag(fs, o.Key)
		} else {
			err = unix.FsconfigSetString(fs, o.Key, o.Value)
		}
		if err != nil {
			return -1, err
		}
	}
	if err := unix.FsconfigCreate(fs); err != nil {
		return -1, err
	}
	return retry(func() (int, error) { return unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, attr) })
}

// SuperReadOnly makes the file system at fd, the root of a mount, read-only by
// whatever mount it is reached (fspick(2)).
func SuperReadOnly(fd int) error {
	fs, err := retry(func() (int, error) { return unix.Fspick(fd, "", unix.FSPICK_EMPTY_PATH|unix.FSPICK_CLOEXEC) })
	if err != nil {
		return err
	}
	defer unix.Close(fs)
	if err := unix.FsconfigSetFlag(fs, "ro"); err != nil {
		return err
	}
	return unix.FsconfigReconfigure(fs)
}

// retry repeats a call that a signal interrupted.
func retry(call func() (int, error)) (int, error) {
	for {
		fd, err := call()
		if err != unix.EINTR {
			return fd, err
		}
	}
}
