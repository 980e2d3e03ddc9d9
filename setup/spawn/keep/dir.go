package keep

import (
	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup/mountfd"
)

// A dir is a directory in which a jail holds places.
type dir struct {
	path     string
	fd       int // -1 while it is not open
	readOnly bool
	note     *note
	places   []*place
}

func (d *dir) open() (err error) {
	if d.fd >= 0 {
		return nil
	}
	if d.fd, err = mountfd.OpenSource(d.path); err != nil {
		return err
	}
	var fs unix.Statfs_t
	d.readOnly = unix.Fstatfs(d.fd, &fs) == nil && fs.Flags&unix.ST_RDONLY != 0
	return nil
}

func (d *dir) close() {
	if d.fd >= 0 {
		unix.Close(d.fd)
		d.fd = -1
	}
}

// see finds out whether p is missing, and whether there is something to hold:
// not where something else stands.
func (d *dir) see(p *place) (ours bool, err error) {
	p.missing = true
	if d.fd < 0 {
		return true, nil
	}
	var st unix.Stat_t
	switch err := unix.Fstatat(d.fd, p.base(), &st, unix.AT_SYMLINK_NOFOLLOW); err {
	case nil:
	case unix.ENOENT:
		return true, nil
	case unix.ENOTDIR:
		return false, nil
	default:
		return false, err
	}
	p.missing = false
	if made := d.note.has(p.path); made != nil && made.way {
		p.way = true // it has to stay for this jail as well
	}
	return p.like(&st), nil
}

// take makes p, if it is missing, and locks it. EAGAIN: something else is there
// by now, or it is being removed.
func (d *dir) take(p *place) error {
	if err := d.open(); err != nil {
		return err
	}
	if p.missing {
		switch err := p.make(d.fd); err {
		case nil:
		case unix.EEXIST:
			return unix.EAGAIN
		default:
			return err
		}
	}
	switch err := p.lock(d.fd, unix.LOCK_SH); err {
	case nil:
	case unix.EACCES:
		return nil // somebody else's
	case unix.ENOENT:
		return unix.EAGAIN
	default:
		return err
	}
	if !p.missing && !p.stands(d.fd) {
		p.close()
		return unix.EAGAIN // removed before we had it
	}
	return nil
}
