package mounts

import (
	"path"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/mountfd"
)

// Tmpfs mounts an empty file system in memory (tmpfs(5)).
func (t *Tree) Tmpfs(m *setup.Mount) error {
	options := []mountfd.Option{{Key: "mode", Value: octal(m.Mode, 0o755)}}
	if m.Size != 0 {
		options = append(options, mountfd.Option{Key: "size", Value: strconv.FormatUint(m.Size, 10)})
	}
	fd, err := mountfd.New("tmpfs", "tmpfs", int(m.Attributes()), options...)
	if err != nil {
		return setup.Fail("mount", m.Target, err)
	}
	defer unix.Close(fd)
	if err := t.attach(fd, m.Target); err != nil {
		return setup.Fail("mount", m.Target, err)
	}
	if !m.ReadOnly {
		t.adopt(fd)
	}
	return nil
}

// Dir makes a directory, unless there is one.
func (t *Tree) Dir(m *setup.Mount) error {
	fd, err := t.dir(m.Target, mode(m.Mode, 0o755))
	if err != nil {
		return setup.Fail("dir", m.Target, err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return setup.Fail("dir", m.Target, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return setup.Fail("dir", m.Target, unix.ENOTDIR)
	}
	return nil
}

// Symlink makes a symbolic link with the text m.Source.
func (t *Tree) Symlink(m *setup.Mount) error {
	parent, err := t.parent(m.Target)
	if err != nil {
		return setup.Fail("symlink", m.Target, err)
	}
	return setup.Fail("symlink", m.Target, unix.Symlinkat(m.Source, parent, path.Base(m.Target)))
}

// File makes a file of the jail's own with the given content.
func (t *Tree) File(m *setup.Mount) error {
	parent, err := t.parent(m.Target)
	if err != nil {
		return setup.Fail("file", m.Target, err)
	}
	flags := unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL | unix.O_NOFOLLOW | unix.O_CLOEXEC
	fd, err := unix.Openat(parent, path.Base(m.Target), flags, mode(m.Mode, 0o644))
	if err != nil {
		return setup.Fail("file", m.Target, err)
	}
	defer unix.Close(fd)
	for rest := []byte(m.Content); len(rest) > 0; {
		n, err := unix.Write(fd, rest)
		if err != nil {
			return setup.Fail("file", m.Target, err)
		}
		rest = rest[n:]
	}
	return nil
}

func mode(m, standard uint32) uint32 {
	if m == 0 {
		return standard
	}
	return m
}

func octal(m, standard uint32) string {
	return "0" + strconv.FormatUint(uint64(mode(m, standard)), 8)
}
