package mounts

import (
	"path"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/mountfd"
)

// File makes a file of the jail's own with the given content. Where it can't be
// made in place it is bound over the file that is there; in a directory of the
// host without such a file, or with a dangling link, the directory is mirrored.
func (t *Tree) File(m *setup.Mount) error {
	err := t.makeFile(m)
	if m.Optional && (err == unix.ENOENT || err == unix.EACCES || err == unix.EOVERFLOW) {
		return nil // the root has no place for it
	}
	return setup.Fail("file", m.Target, err)
}

func (t *Tree) makeFile(m *setup.Mount) error {
	if m.Optional {
		dir, err := t.open(path.Dir(m.Target))
		if err != nil {
			return err
		}
		unix.Close(dir)
	}
	parent, err := t.parent(m.Target)
	if err == nil {
		if err = writeNew(parent, path.Base(m.Target), m); err == nil {
			return nil
		}
	}
	// EBUSY: something is mounted there. EACCES, EOVERFLOW: an overlay over the
	// directory of an id that the jail doesn't have.
	if err != errHost && err != unix.EBUSY && err != unix.EACCES && err != unix.EOVERFLOW {
		return err
	}
	target, openErr := t.open(m.Target)
	if openErr == nil {
		defer unix.Close(target)
		return t.bindFile(target, m)
	}
	if openErr != unix.ENOENT || err != errHost {
		return err
	}
	if parent, err = t.clearing(m.Target); err != nil {
		return err
	}
	return writeNew(parent, path.Base(m.Target), m)
}

// bindFile binds a file of the jail's own over the target.
func (t *Tree) bindFile(target int, m *setup.Mount) error {
	fd, err := t.stagedFile(m)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return t.attachTo(fd, target)
}

// stagedFile makes a file of the jail's own that is to be bound elsewhere.
func (t *Tree) stagedFile(m *setup.Mount) (int, error) {
	name := ".jail-file-" + strconv.Itoa(len(t.staged))
	if err := writeNew(t.stage, name, m); err != nil {
		return -1, err
	}
	t.staged = append(t.staged, name)
	return mountfd.Clone(t.stage, name, false)
}

// writeNew writes a new file in a directory of the jail's own.
func writeNew(dir int, name string, m *setup.Mount) error {
	fd := -1
	err := replace(dir, name, func(dir int, name string) (err error) {
		flags := unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL | unix.O_NOFOLLOW | unix.O_CLOEXEC
		fd, err = unix.Openat(dir, name, flags, mode(m.Mode, 0o644))
		return err
	})
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	for rest := []byte(m.Content); len(rest) > 0; {
		n, err := unix.Write(fd, rest)
		if err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}
