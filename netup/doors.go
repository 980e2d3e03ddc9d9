package netup

import (
	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// Doors opens what [setup.ControlDoors] carries, for the host half to make the
// jail's interfaces by. It comes while the host's proc is in view.
func Doors() (fds []int, err error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, setup.Fail("network", "netlink", err)
	}
	fds = append(fds, fd)
	const own = "/proc/thread-self/ns/net"
	if fd, err = unix.Open(own, unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
		return fds, setup.Fail("network", own, err)
	}
	fds = append(fds, fd)
	const settings = "/proc/sys/net/ipv6/conf"
	switch fd, err = unix.Open(settings, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err {
	case nil:
		return append(fds, fd), nil
	case unix.ENOENT:
		return fds, nil
	}
	return fds, setup.Fail("network", settings, err)
}
