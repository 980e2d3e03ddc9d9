package mountfd

import (
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// Source returns a detached copy of what the bind or device m shows, with its attributes
// set on all mounts of the tree in one step. The source is looked up once, in
// the mount namespace of the caller and with the caller's rights.
func Source(m *setup.Mount) (int, error) {
	fd, err := cloneSource(m)
	if err != nil {
		return -1, err
	}
	if m.Type == setup.Device {
		err = isDevice(fd, m)
	}
	if err == nil {
		err = Set(fd, AttrOf(m))
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func isDevice(fd int, m *setup.Mount) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if kind := st.Mode & unix.S_IFMT; kind == unix.S_IFCHR || kind == unix.S_IFBLK {
		return nil
	}
	return &setup.Error{
		Step: "mount", Target: m.Target, Detail: m.Source, Errno: unix.ENODEV,
		Hint: "it is no device; a file or directory goes with --ro, --rw or --dev-bind",
	}
}

func cloneSource(m *setup.Mount) (int, error) {
	if m.Follow {
		return Clone(unix.AT_FDCWD, m.Source, !m.NonRecursive)
	}
	if m.SourceFD != nil {
		return Clone(*m.SourceFD, "", !m.NonRecursive)
	}
	fd, err := OpenSource(m.Source)
	if err != nil {
		return -1, err
	}
	defer unix.Close(fd)
	if m.Expect != (setup.Inode{}) {
		if is, err := InodeOf(fd); err != nil || is != m.Expect {
			return -1, &setup.Error{
				Step: "mount", Target: m.Target, Detail: m.Source + " is no longer what the descriptor shows",
				Errno: unix.ESTALE, Hint: "was it renamed or replaced?",
			}
		}
	}
	return Clone(fd, "", !m.NonRecursive)
}

// OpenSource opens a path without following symbolic links but one that stands
// in "/" itself, as /bin does. All others could have been put there by a jail
// that had the directory, to be handed what it names in the next one.
func OpenSource(name string) (int, error) {
	fd, err := openNoLinks(name)
	if err != unix.ELOOP {
		return fd, err
	}
	first, rest, _ := strings.Cut(strings.TrimPrefix(name, "/"), "/")
	var buf [4096]byte
	if n, err := unix.Readlink("/"+first, buf[:]); err == nil && n < len(buf) {
		fd, err = openNoLinks(path.Join("/", string(buf[:n]), rest))
		if err != unix.ELOOP {
			return fd, err
		}
	}
	return -1, &setup.Error{
		Step: "mount", Detail: name + " leads over a symbolic link", Errno: unix.ELOOP,
		Hint: "name the place itself, which realpath prints; a bind by --mount takes follow",
	}
}

func openNoLinks(name string) (int, error) {
	return retry(func() (int, error) {
		return unix.Openat2(unix.AT_FDCWD, name, &unix.OpenHow{
			Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS,
		})
	})
}

// InodeOf tells which file fd refers to.
func InodeOf(fd int) (setup.Inode, error) {
	var st unix.Stat_t
	err := unix.Fstat(fd, &st)
	return setup.Inode{Dev: st.Dev, Ino: st.Ino}, err
}

// AttrOf returns the attributes of a bind.
func AttrOf(m *setup.Mount) Attr {
	a := Attr{Set: m.Attributes(), Propagation: unix.MS_PRIVATE, Recursive: true}
	if m.NoATime {
		a.Clear = unix.MOUNT_ATTR__ATIME
	}
	switch m.Propagation {
	case setup.Slave:
		a.Propagation = unix.MS_SLAVE
	case setup.Shared:
		a.Propagation = unix.MS_SHARED
	case setup.Unbindable:
		a.Propagation = unix.MS_UNBINDABLE
	}
	return a
}
