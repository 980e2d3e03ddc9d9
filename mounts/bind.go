package mounts

import (
	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/mountfd"
)

// Bind shows the host's m.Source at m.Target. source is the detached mount if
// jailspawn prepared it, else -1: then it is cloned here, with the rights of
// the caller.
func (t *Tree) Bind(m *setup.Mount, source int) error {
	if source < 0 {
		var err error
		source, err = cloneSource(m.Source, *m)
		if err == unix.ENOENT && m.Optional {
			return nil
		}
		if err != nil {
			return bindError(m, err, sourceHint(err))
		}
	}
	defer unix.Close(source)
	err := t.attach(source, m.Target)
	switch err {
	case nil:
		return nil
	case unix.ENOTDIR, unix.EISDIR:
		return bindError(m, err, "a directory goes on a directory and a file on a file")
	}
	return bindError(m, err, "")
}

// cloneSource makes a detached copy of a mount tree of the old view with the
// attributes that m asks for, recursively and in one step.
func cloneSource(source string, m setup.Mount) (int, error) {
	fd, err := mountfd.Clone(unix.AT_FDCWD, source, true)
	if err != nil {
		return -1, err
	}
	if err := mountfd.Set(fd, mountfd.Attr{Set: m.Attributes(), Propagation: unix.MS_PRIVATE, Recursive: true}); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func bindError(m *setup.Mount, err error, hint string) error {
	e := setup.Fail("mount", m.Target, err).(*setup.Error)
	if e.Detail == "" {
		e.Detail = "bind " + m.Source
	}
	if e.Hint == "" {
		e.Hint = hint
	}
	return e
}

func sourceHint(err error) string {
	switch err {
	case unix.ENOENT:
		return "the source doesn't exist on the host"
	case unix.EACCES:
		return "the caller may not reach the source"
	case unix.EINVAL:
		return "the source is no part of this mount namespace"
	case unix.ELOOP:
		return "the source is a loop of symbolic links"
	}
	return ""
}
