package keep

import (
	"path"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// A place is what stands where nothing may be made: an empty directory, or a
// file with the content and a newline. The way to one is a directory like any
// other. An open descriptor holds a lock on it.
type place struct {
	path    string
	content string
	way     bool
	target  string // where the jail sees it
	missing bool   // when it was looked for
	fd      int    // -1 while it is not open
}

func (p *place) base() string { return path.Base(p.path) }

func (p *place) text() string { return p.content + "\n" }

// make makes it in parent. Nobody may write to it, but to the way to a place
// whoever owns the directory that it is made in.
func (p *place) make(parent int) error {
	switch {
	case p.way:
		defer asOwnerOf(parent)()
		return unix.Mkdirat(parent, p.base(), 0o755)
	case p.content == "":
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

// asOwnerOf lets root's thread make files as the owner of a directory would,
// for whom the payload stands in a jail that root starts there (setfsuid(2)).
func asOwnerOf(dir int) (undo func()) {
	var st unix.Stat_t
	if unix.Geteuid() != 0 || unix.Fstat(dir, &st) != nil || st.Uid == 0 {
		return func() {}
	}
	runtime.LockOSThread()
	_ = unix.Setfsgid(int(st.Gid))
	_ = unix.Setfsuid(int(st.Uid))
	return func() {
		_ = unix.Setfsuid(0)
		_ = unix.Setfsgid(unix.Getegid())
		runtime.UnlockOSThread()
	}
}

// like reports whether something looks like what make makes.
func (p *place) like(st *unix.Stat_t) bool {
	switch {
	case p.way:
		return st.Mode&unix.S_IFMT == unix.S_IFDIR
	case !setup.Placeholder(st.Mode):
		return false
	case p.content == "":
		return st.Mode&unix.S_IFMT == unix.S_IFDIR
	}
	return st.Mode&unix.S_IFMT == unix.S_IFREG && st.Size == int64(len(p.text()))
}

// lock opens what stands in parent and takes a lock on it (LOCK_SH or LOCK_EX).
func (p *place) lock(parent, how int) error {
	fd, err := unix.Openat(parent, p.base(), unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := unix.Flock(fd, how|unix.LOCK_NB); err != nil {
		unix.Close(fd)
		return err
	}
	p.fd = fd
	return nil
}

func (p *place) close() {
	if p.fd >= 0 {
		unix.Close(p.fd)
		p.fd = -1
	}
}

// closeAll closes what may have been removed. Only now does the file system free
// it, which takes ext4 longer than all else that is done here; so two do it.
func closeAll(places []*place) {
	half := places[:len(places)/2]
	done := make(chan struct{})
	if len(half) < 8 {
		half = nil
		close(done)
	} else {
		go func() {
			defer close(done)
			for _, p := range half {
				p.close()
			}
		}()
	}
	for _, p := range places[len(half):] {
		p.close()
	}
	<-done
}

// stands reports whether what is open has its name in parent still.
func (p *place) stands(parent int) bool {
	var named, opened unix.Stat_t
	return unix.Fstatat(parent, p.base(), &named, unix.AT_SYMLINK_NOFOLLOW) == nil &&
		unix.Fstat(p.fd, &opened) == nil &&
		named.Dev == opened.Dev && named.Ino == opened.Ino && p.like(&opened)
}

// free removes it from parent, if nobody holds it. EWOULDBLOCK: somebody does;
// ENOENT: it is not there.
func (p *place) free(parent int) error {
	if p.fd < 0 {
		switch err := p.lock(parent, unix.LOCK_EX); err {
		case nil:
		case unix.EWOULDBLOCK:
			return err
		default:
			return unix.ENOENT
		}
	} else if err := unix.Flock(p.fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return err
	}
	return p.remove(parent)
}

// remove removes it from parent, unless somebody has put something into it: then
// it is his from now on, and he may write to it.
func (p *place) remove(parent int) error {
	if !p.stands(parent) {
		return unix.ENOENT
	}
	if p.content != "" {
		text := make([]byte, len(p.text())+1)
		if n, err := unix.Pread(p.fd, text, 0); err != nil || string(text[:n]) != p.text() {
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
	var st unix.Stat_t
	if p.way {
		return nil
	}
	if err := unix.Fstat(p.fd, &st); err != nil {
		return err
	}
	return unix.Fchmod(p.fd, st.Mode&0o777|0o200)
}
