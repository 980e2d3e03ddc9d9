package keep

import (
	"encoding/hex"
	"errors"
	"hash/fnv"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup/mountfd"
	"github.com/jailspawn/jailspawn/setup/spawn/named"
)

// records are the notes, in the runtime directory, of what this user's jails
// made on the host, one for each directory. The lock is on the runtime directory
// itself.
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

// A note tells what was made in one directory.
type note struct {
	dir    string
	places []*place
}

// has returns what the note says of a name, or nil.
func (n *note) has(name string) *place {
	for _, p := range n.places {
		if p.path == name {
			return p
		}
	}
	return nil
}

func (n *note) remove(name string) {
	n.places = slices.DeleteFunc(n.places, func(p *place) bool { return p.path == name })
}

func (r *records) file(dir string) string {
	h := fnv.New128a()
	_, _ = h.Write([]byte(dir))
	return path.Join(r.path, hex.EncodeToString(h.Sum(nil)))
}

// read returns the note of a directory, an empty one if there is none.
func (r *records) read(dir string) *note {
	n := parse(r.file(dir))
	if n == nil || n.dir != dir {
		return &note{dir: dir}
	}
	return n
}

// parse reads a note: the directory, then for each place what it is, its name
// and its content, each with a zero byte behind it. Nil is none.
func parse(file string) *note {
	data, err := os.ReadFile(file)
	words := strings.Split(string(data), "\x00")
	if err != nil || !path.IsAbs(words[0]) {
		return nil
	}
	n := &note{dir: words[0]}
	for words = words[1:]; len(words) > 3; words = words[3:] {
		if base := words[1]; base != "" && path.Base(base) == base && base != ".." {
			n.places = append(n.places, &place{path: path.Join(n.dir, base), content: words[2], way: words[0] == "way", fd: -1})
		}
	}
	return n
}

// write puts a note in the place of the one before, in one step, or removes it
// if nothing is left to tell.
func (r *records) write(n *note) error {
	name := r.file(n.dir)
	if len(n.places) == 0 {
		return unix.Unlink(name)
	}
	data := []byte(n.dir + "\x00")
	for _, p := range n.places {
		kind := "place"
		if p.way {
			kind = "way"
		}
		data = append(data, kind+"\x00"+p.base()+"\x00"+p.content+"\x00"...)
	}
	if err := unix.Mkdir(r.path, 0o700); err != nil && err != unix.EEXIST {
		return err
	}
	fd, err := unix.Open(name+".new", unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	written, err := unix.Write(fd, data)
	unix.Close(fd)
	if err == nil && written != len(data) {
		err = unix.ENOSPC
	}
	if err != nil {
		_ = unix.Unlink(name + ".new")
		return err
	}
	return unix.Rename(name+".new", name)
}

// tidy removes the directory of the notes when there is none.
func (r *records) tidy() { _ = unix.Rmdir(r.path) }

// drop lets go of places in one directory, and removes those that were made for
// jails of this user and that nobody needs any more, with the way to them. It
// returns where it removed something.
func (r *records) drop(dir string, places []*place) (dropped []string, err error) {
	n := r.read(dir)
	before := len(n.places)
	parent, failed := mountfd.OpenSource(dir)
	if failed == nil {
		defer unix.Close(parent)
	}
	for _, p := range slices.Backward(places) {
		if made := n.has(p.path); made != nil && made.way == p.way && !(p.way && r.below(p)) {
			p.content = made.content // another jail may have asked for another
			left := failed
			if left == nil {
				left = p.free(parent)
			}
			switch {
			case left == nil:
				dropped = append(dropped, p.path)
				n.remove(p.path)
			case gone(left):
				n.remove(p.path)
			case left != unix.EWOULDBLOCK:
				err = keepError(p.path, "can't be removed", left)
			}
		}
	}
	closeAll(places)
	if len(n.places) < before || before == 0 {
		if left := r.write(n); err == nil && left != nil && left != unix.ENOENT {
			err = keepError(dir, r.path, left)
		}
	}
	if up := path.Dir(dir); err == nil && len(n.places) == 0 && up != dir {
		if way := r.read(up).has(dir); way != nil && way.way {
			more, err := r.drop(up, []*place{way})
			return append(dropped, more...), err
		}
	}
	return dropped, err
}

// gone reports whether nothing of ours can be where a look-up ended so.
func gone(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP)
}

// below reports whether something stands below the way to a place still.
func (r *records) below(way *place) bool { return len(r.read(way.path).places) > 0 }

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
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil // the last was removed before we had the lock
	}
	for _, entry := range notes {
		file := path.Join(r.path, entry.Name())
		n := parse(file)
		if n == nil || r.file(n.dir) != file {
			_ = os.Remove(file) // was being written
			continue
		}
		dropped, _ := r.drop(n.dir, n.places)
		swept = append(swept, dropped...)
	}
	r.tidy()
	return swept, err
}
