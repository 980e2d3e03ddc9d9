package mounts

import (
	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup/mountfd"
)

// mirror covers a read-only directory of the host by a tmpfs with the same
// entries, each of them bound, and returns the tmpfs: a place where mount
// points can be made that the host never sees. A directory that the payload may
// write to can't be mirrored, as what it wrote would be lost: errHost.
func (t *Tree) mirror(dir int) (int, error) {
	var fs unix.Statfs_t
	if err := unix.Fstatfs(dir, &fs); err != nil {
		return -1, err
	}
	if fs.Flags&unix.ST_RDONLY == 0 {
		return -1, errHost
	}
	var st unix.Stat_t
	if err := unix.Fstat(dir, &st); err != nil {
		return -1, err
	}
	attr := hardened
	if fs.Flags&unix.ST_NOEXEC != 0 {
		attr |= unix.MOUNT_ATTR_NOEXEC
	}
	own, err := t.newFS("tmpfs", "jail", attr, sized(0, octal(st.Mode&0o7777, 0))...)
	if err != nil {
		return -1, err
	}
	root, err := sameMount(dir, "", t.root)
	if err == nil {
		err = mountfd.Attach(own, dir)
	}
	if err == nil {
		err = copyEntries(dir, own)
	}
	if err != nil {
		unix.Close(own)
		return -1, err
	}
	_ = unix.Fchownat(own, "", int(st.Uid), int(st.Gid), unix.AT_EMPTY_PATH) // an unmapped owner stays the jail's root
	t.adopt(own)
	t.mirrored = true
	kept, err := unix.FcntlInt(uintptr(own), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if root {
		unix.Close(t.root)
		t.root = kept
		t.below++
	} else {
		t.late = append(t.late, kept)
	}
	return own, nil
}

// sameMount reports whether name, looked up from dir, is the same place of the
// same mount as fd (STATX_MNT_ID, Linux 5.8).
func sameMount(dir int, name string, fd int) (bool, error) {
	var a, b unix.Statx_t
	const want = unix.STATX_INO | unix.STATX_MNT_ID
	if err := unix.Statx(dir, name, unix.AT_EMPTY_PATH, want, &a); err != nil {
		return false, err
	}
	err := unix.Statx(fd, "", unix.AT_EMPTY_PATH, want, &b)
	return err == nil && a.Ino == b.Ino && a.Mnt_id == b.Mnt_id, err
}

// copyEntries makes each entry of one directory appear in another.
func copyEntries(from, to int) error {
	list, err := unix.Openat(from, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(list)
	buf := make([]byte, 16<<10)
	for {
		n, err := unix.ReadDirent(list, buf)
		if err != nil || n == 0 {
			return err
		}
		_, _, names := unix.ParseDirent(buf[:n], -1, nil)
		for _, name := range names {
			if err := copyEntry(from, to, name); err != nil {
				return err
			}
		}
	}
}

func copyEntry(from, to int, name string) error {
	var st unix.Stat_t
	err := unix.Fstatat(from, name, &st, unix.AT_SYMLINK_NOFOLLOW)
	if err == unix.ENOENT {
		return nil // removed since the directory was read
	}
	if err != nil {
		return err
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFLNK:
		text := make([]byte, 4096)
		n, err := unix.Readlinkat(from, name, text)
		if err != nil {
			return err
		}
		return unix.Symlinkat(string(text[:n]), to, name)
	case unix.S_IFDIR:
		err = unix.Mkdirat(to, name, 0o755)
	default:
		err = unix.Mknodat(to, name, unix.S_IFREG|0o644, 0)
	}
	if err != nil {
		return err
	}
	entry, err := mountfd.Clone(from, name, true)
	if err != nil {
		return err
	}
	defer unix.Close(entry)
	return unix.MoveMount(entry, "", to, name, unix.MOVE_MOUNT_F_EMPTY_PATH)
}
