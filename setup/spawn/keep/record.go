package keep

import (
	"encoding/hex"
	"errors"
	"hash/fnv"
	"io/fs"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup/mountfd"
	"github.com/jailspawn/jailspawn/setup/spawn/named"
)

// records are the notes, in the runtime directory, of what this user's jails
// made on the host. The lock is on the directory itself.
type records struct {
	path string
	dir  *os.File
}

// recordDir is no name that a jail can have.
const recordDir = ".kept"

// openRecords opens the notes and locks them.
func openRecords() (*records, error) {
	d, err := named.Open()
	if err != nil {
		return nil, err
	}
	defer d.Close()
	r := &records{path: path.Join(named.Path(), recordDir)}
	if r.dir, err = os.Open(named.Path()); err != nil {
		return nil, err
	}
	return r, r.lock()
}

func (r *records) lock() error {
	for {
		if err := unix.Flock(int(r.dir.Fd()), unix.LOCK_EX); err != unix.EINTR {
			return err
		}
	}
}

func (r *records) unlock() {
	if r.dir != nil {
		_ = unix.Flock(int(r.dir.Fd()), unix.LOCK_UN)
	}
}

func (r *records) close() {
	_ = r.dir.Close()
	r.dir = nil
}

func (r *records) file(p *place) string {
	h := fnv.New128a()
	_, _ = h.Write([]byte(p.path))
	return path.Join(r.path, hex.EncodeToString(h.Sum(nil)))
}

// write notes a place, before anything is made there.
func (r *records) write(p *place) error {
	if err := os.Mkdir(r.path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return os.WriteFile(r.file(p), []byte(p.path+"\x00"+p.content), 0o600)
}

// read reads a note; what is no note is removed.
func (r *records) read(file string) *place {
	data, err := os.ReadFile(file)
	name, content, ok := strings.Cut(string(data), "\x00")
	if err != nil || !ok || !path.IsAbs(name) {
		_ = os.Remove(file)
		return nil
	}
	return &place{path: name, content: content}
}

func (r *records) remove(p *place) { _ = os.Remove(r.file(p)) }

func (r *records) has(p *place) bool { return !missing(r.file(p)) }

// tidy removes the directory of the notes when there is none.
func (r *records) tidy() { _ = os.Remove(r.path) }

// drop lets go of a place, and removes what stands there if it was made for
// jails of this user and nobody needs it any more.
func (r *records) drop(p *place) error {
	defer p.close()
	if unix.Flock(int(p.file.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil || !r.has(p) {
		return nil
	}
	parent, err := mountfd.OpenSource(path.Dir(p.path))
	if err == nil {
		defer unix.Close(parent)
		err = p.remove(parent)
	}
	if err == nil || err == unix.ENOENT {
		r.remove(p)
		return nil
	}
	return err
}

// Sweep removes what killed jailspawns of this user left, and returns where it
// was.
func Sweep() (swept []string, err error) {
	if missing(path.Join(named.Path(), recordDir)) {
		return nil, nil
	}
	r, err := openRecords()
	if err != nil {
		return nil, err
	}
	defer r.close()
	notes, err := os.ReadDir(r.path)
	for _, note := range notes {
		if p := r.read(path.Join(r.path, note.Name())); p != nil && r.sweep(p) {
			swept = append(swept, p.path)
		}
	}
	r.tidy()
	return swept, err
}

// sweep removes what stands in one place and reports whether it did.
func (r *records) sweep(p *place) bool {
	parent, err := mountfd.OpenSource(path.Dir(p.path))
	if err == nil {
		defer unix.Close(parent)
		err = p.open(parent)
	}
	if err != nil {
		r.remove(p) // nothing of ours is there
		return false
	}
	_ = r.drop(p)
	return !r.has(p)
}
