package keep

import (
	"path"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/mountfd"
)

// Held is what one jail needs to stay as it is.
type Held struct {
	records *records
	places  []*place
}

// Hold makes sure that something stands wherever the plan keeps a place of the
// host. Nil is returned, and nothing done, for a plan that keeps none.
func Hold(p *setup.Plan) (h *Held, err error) {
	for i := range p.Mounts {
		m := &p.Mounts[i]
		if m.Type != setup.Keep {
			continue
		}
		name := onHost(p, i)
		if name == "" {
			continue
		}
		if h == nil {
			h = new(Held)
			if h.records, err = openRecords(); err != nil {
				return nil, err
			}
			defer h.records.unlock()
		}
		if err := h.hold(&place{path: name, content: m.Content}); err != nil {
			_ = h.release()
			h.records.close()
			return nil, keepError(m.Target, name, err)
		}
	}
	return h, nil
}

func keepError(target, name string, err error) error {
	e := setup.Fail("keep", target, err).(*setup.Error)
	e.Step, e.Target = "keep", target
	if e.Detail == "" {
		e.Detail = name
	}
	switch {
	case e.Hint != "":
	case e.Errno == unix.ENOENT:
		e.Hint = "its directory is missing as well; keep that one"
	case e.Errno == unix.EACCES:
		e.Hint = "the caller can't put there what keeps it free; leave it out, or show its directory read-only"
	}
	return e
}

// holdTime bounds how long another user's jailspawn may take to remove what it
// put somewhere.
const holdTime = 5 * time.Second

// hold puts something where nothing stands, and holds what is there for the
// same reason.
func (h *Held) hold(p *place) error {
	if slices.ContainsFunc(h.places, func(above *place) bool { return above.path == path.Dir(p.path) }) {
		return nil // below one of ours nothing can be made
	}
	parent, err := mountfd.OpenSource(path.Dir(p.path))
	if err == unix.ENOTDIR {
		return nil // a file stands there
	}
	if err != nil {
		return err
	}
	defer unix.Close(parent)
	for end := time.Now().Add(holdTime); ; time.Sleep(5 * time.Millisecond) {
		err := h.stand(parent, p)
		if err == nil && p.file != nil {
			h.places = append(h.places, p)
		}
		if err != unix.EAGAIN || time.Now().After(end) {
			return err
		}
	}
}

// stand makes p in parent, if nothing is there, and locks it. Something else
// that stands there is left alone.
func (h *Held) stand(parent int, p *place) error {
	var st unix.Stat_t
	err := unix.Fstatat(parent, p.base(), &st, unix.AT_SYMLINK_NOFOLLOW)
	switch {
	case err == unix.ENOTDIR:
		return nil
	case err == unix.ENOENT:
		if err := h.records.write(p); err != nil {
			return err
		}
		if err := p.make(parent); err != nil {
			h.records.remove(p)
			switch err {
			case unix.EEXIST:
				return unix.EAGAIN
			case unix.EROFS:
				return nil // nobody else can make it either
			}
			return err
		}
	case err != nil:
		return err
	case !p.like(&st):
		return nil
	}
	switch err := p.open(parent); err {
	case nil:
	case unix.EACCES:
		return nil // somebody else's
	case unix.ENOENT:
		return unix.EAGAIN
	default:
		return err
	}
	err = unix.Flock(int(p.file.Fd()), unix.LOCK_SH|unix.LOCK_NB)
	if err == nil && !p.stands(parent) {
		err = unix.EAGAIN // removed before we had it
	}
	if err != nil {
		p.close()
	}
	return err
}

// Release removes what nobody needs any more. It is for the end of a jail, and
// nil has nothing to remove.
func (h *Held) Release() error {
	if h == nil {
		return nil
	}
	defer h.records.close()
	if err := h.records.lock(); err != nil {
		return keepError(h.records.path, "lock", err)
	}
	defer h.records.unlock()
	return h.release()
}

func (h *Held) release() (err error) {
	for _, p := range slices.Backward(h.places) {
		if left := h.records.drop(p); err == nil && left != nil {
			err = keepError(p.path, "can't be removed", left)
		}
	}
	h.places = nil
	h.records.tidy()
	return err
}
