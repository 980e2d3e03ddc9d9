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
		source, err = mountfd.Source(m)
		if err == unix.ENOENT && m.Optional {
			return nil
		}
		if err != nil {
			return bindError(m, err, sourceHint(m, err))
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

func sourceHint(m *setup.Mount, err error) string {
	switch err {
	case unix.EPERM:
		if m.NoATime {
			return "an ordinary user can't change how access times are kept; leave out noatime"
		}
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
