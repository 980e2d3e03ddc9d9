package netup

import (
	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// Settings opens the directory of the sysctls. It is called while the host's
// proc is in view: in the jail's own they are read-only.
func Settings() (dir int, err error) {
	dir, err = unix.Open("/proc/sys", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	return dir, setup.Fail("sysctl", "/proc/sys", err)
}

// Sysctl writes one setting below the directory that [Settings] opened. A name
// below net belongs to the network namespace of the writer (proc(5)); it needs
// CAP_NET_ADMIN over it.
func Sysctl(dir int, s setup.Sysctl) error {
	fd, err := unix.Openat(dir, s.Name, unix.O_WRONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err == nil {
		_, err = unix.Write(fd, []byte(s.Value))
		unix.Close(fd)
	}
	if err == nil {
		return nil
	}
	e := setup.Fail("sysctl", s.Name, err).(*setup.Error)
	switch err {
	case unix.ENOENT:
		e.Hint = "no such setting in a network namespace"
	case unix.EACCES, unix.EPERM:
		e.Hint = "a network namespace can't change it, or it is read-only"
	case unix.EINVAL, unix.ERANGE:
		e.Detail, e.Hint = "value "+s.Value, "see the kernel's networking/ip-sysctl"
	}
	return e
}
