// Package netup makes the network of a jail. Its host half creates or moves
// devices, its jail half brings them up.
package netup

import (
	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// Loopback brings up the loopback interface of this network namespace
// (netdevice(7)); the kernel then gives it 127.0.0.1 and ::1. It runs in the
// jail and needs CAP_NET_ADMIN over the namespace.
func Loopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return setup.Fail("network", "lo", err)
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return setup.Fail("network", "lo", err)
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return setup.Fail("network", "lo", unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo))
}
