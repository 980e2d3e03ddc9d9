package keep

import (
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// Held is what one jail needs to stay as it is.
type Held struct {
	records *records
	dirs    []*dir
}

// Hold makes sure that something stands wherever the plan keeps a place of the
// host. Nil is returned, and nothing done, for a plan that keeps none.
func Hold(p *setup.Plan) (h *Held, err error) {
	wanted := wanted(p)
	if len(wanted) == 0 {
		return nil, nil
	}
	h = new(Held)
	if h.records, err = openRecords(); err != nil {
		return nil, err
	}
	defer h.records.unlock()
	if err := h.hold(wanted); err != nil {
		_ = h.release()
		h.records.close()
		return nil, err
	}
	for _, d := range h.dirs {
		d.close()
	}
	return h, nil
}

func keepError(target, name string, err error) error {
	e := setup.Fail("keep", target, err).(*setup.Error)
	e.Step, e.Target = "keep", target
	if e.Detail == "" {
		e.Detail = name
	}
	if e.Hint == "" && e.Errno == unix.EACCES {
		e.Hint = "the caller can't put there what keeps it free; leave it out, or show its directory read-only"
	}
	return e
}

// hold looks at all places first, so that the notes tell of what is made before
// anything is.
func (h *Held) hold(wanted []*place) error {
	var held []*place
	for _, p := range wanted {
		more, err := h.look(p)
		if err != nil {
			return keepError(p.target, p.path, err)
		}
		held = append(held, more...)
	}
	for _, d := range h.dirs {
		if err := h.announce(d, d.places...); err != nil {
			return keepError(d.path, h.records.path, err)
		}
	}
	for _, p := range held {
		if err := h.stand(p); err != nil {
			return keepError(p.target, p.path, err)
		}
	}
	return nil
}

// look finds out what p needs: nothing, p itself, or the way to it and p.
func (h *Held) look(p *place) (needed []*place, err error) {
	if h.has(p.path) {
		return nil, nil
	}
	d := h.find(path.Dir(p.path))
	if d == nil {
		d = &dir{path: path.Dir(p.path), fd: -1}
		err := d.open()
		switch {
		case err == unix.ENOTDIR:
			return nil, nil // a file stands there
		case err == unix.ENOENT:
			if needed, err = h.look(&place{path: d.path, way: true, target: p.target, fd: -1}); err != nil || needed == nil {
				return nil, err
			}
		case err != nil:
			return nil, err
		}
		d.note = h.records.read(d.path)
		h.dirs = append(h.dirs, d)
	}
	if d.readOnly {
		return nil, nil // nobody else can make it either
	}
	ours, err := d.see(p)
	if err != nil || !ours {
		return needed, err
	}
	d.places = append(d.places, p)
	return append(needed, p), nil
}

// has reports whether name is seen to already, or lies below what is: nothing
// can be made there.
func (h *Held) has(name string) bool {
	for _, d := range h.dirs {
		for _, p := range d.places {
			rest, below := strings.CutPrefix(name, p.path)
			if below && (rest == "" || rest[0] == '/' && !p.way) {
				return true
			}
		}
	}
	return false
}

// announce notes what is about to be made.
func (h *Held) announce(d *dir, places ...*place) error {
	changed := false
	for _, p := range places {
		if p.missing {
			d.note.remove(p.path)
			d.note.places = append(d.note.places, p)
			changed = true
		}
	}
	if !changed {
		return nil
	}
	return h.records.write(d.note)
}

// holdTime bounds how long another user's jailspawn may take to remove what it
// put somewhere.
const holdTime = 5 * time.Second

// stand makes p, if nothing is there, and locks it.
func (h *Held) stand(p *place) error {
	d := h.find(path.Dir(p.path))
	for end := time.Now().Add(holdTime); ; time.Sleep(5 * time.Millisecond) {
		err := d.take(p)
		if err != unix.EAGAIN || time.Now().After(end) {
			return err
		}
		if p.missing {
			d.note.remove(p.path) // somebody else made it
		}
		if ours, err := d.see(p); err != nil || !ours {
			return err
		}
		if err := h.announce(d, p); err != nil {
			return err
		}
	}
}

func (h *Held) find(name string) *dir {
	for _, d := range h.dirs {
		if d.path == name {
			return d
		}
	}
	return nil
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
	for _, d := range slices.Backward(h.dirs) {
		d.close()
		if _, left := h.records.drop(d.path, d.places); err == nil {
			err = left
		}
	}
	h.dirs = nil
	h.records.tidy()
	return err
}
