package keep

import (
	"os"
	"path"

	"golang.org/x/sys/unix"
)

// A place is what stands where nothing may be made: an empty directory, or a
// file with the content and a newline. An open file holds a lock on it.
type place struct {
	path    string
	content string
	file    *os.File
}

func (p *place) base() string { return path.Base(p.path) }

func (p *place) text() string { return p.content + "\n" }

// make makes it in parent. Nobody may write to it.
func (p *place) make(parent int) error {
	if p.content == "" {
		return unix.Mkdirat(parent, p.base(), 0o555)
	}
	fd, err := unix.Openat(parent, p.base(), unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o444)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if n, err := unix.Write(fd, []byte(p.text())); err != nil || n != len(p.text()) {
		_ = unix.Unlinkat(parent, p.base(), 0)
		return unix.ENOSPC
	}
	return nil
}

// like reports whether something looks like what make makes.
func (p *place) like(st *unix.Stat_t) bool {
	if st.Mode&0o222 != 0 {
		return false
	}
	if p.content == "" {
		return st.Mode&unix.S_IFMT == unix.S_IFDIR
	}
	return st.Mode&unix.S_IFMT == unix.S_IFREG && st.Size == int64(len(p.text()))
}

// open opens what stands in parent.
func (p *place) open(parent int) error {
	flags := unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_CLOEXEC
	fd, err := unix.Openat(parent, p.base(), flags, 0)
	if err == nil {
		p.file = os.NewFile(uintptr(fd), p.path)
	}
	return err
}

func (p *place) close() {
	_ = p.file.Close()
	p.file = nil
}

// stands reports whether what is open has its name in parent still.
func (p *place) stands(parent int) bool {
	var named, opened unix.Stat_t
	return unix.Fstatat(parent, p.base(), &named, unix.AT_SYMLINK_NOFOLLOW) == nil &&
		unix.Fstat(int(p.file.Fd()), &opened) == nil &&
		named.Dev == opened.Dev && named.Ino == opened.Ino && p.like(&opened)
}

// remove removes it from parent, unless somebody has put something into it: then
// it is his from now on, and he may write to it.
func (p *place) remove(parent int) error {
	if !p.stands(parent) {
		return nil
	}
	if p.content != "" {
		text := make([]byte, len(p.text())+1)
		if n, err := unix.Pread(int(p.file.Fd()), text, 0); err != nil || string(text[:n]) != p.text() {
			return err
		}
		return unix.Unlinkat(parent, p.base(), 0)
	}
	err := unix.Unlinkat(parent, p.base(), unix.AT_REMOVEDIR)
	if err == unix.ENOTEMPTY || err == unix.EEXIST {
		return p.giveWriting()
	}
	return err
}

// giveWriting gives its owner back what make withheld, and nobody else anything.
func (p *place) giveWriting() error {
	info, err := p.file.Stat()
	if err != nil {
		return err
	}
	return p.file.Chmod(info.Mode().Perm() | 0o200)
}
