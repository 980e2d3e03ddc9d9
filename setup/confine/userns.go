package confine

import (
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/mountfd"
)

// LimitUserns sets how many user namespaces the jail may make
// (user.max_user_namespaces of namespaces(7)), by a proc of its own that
// nothing covers and nobody sees.
func LimitUserns(n int) error {
	const name = "sys/user/max_user_namespaces"
	proc, err := mountfd.New("proc", "proc", unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOEXEC)
	if err != nil {
		return setup.Fail("sysctl", "user.max_user_namespaces", err)
	}
	defer unix.Close(proc)
	fd, err := unix.Openat(proc, name, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return setup.Fail("sysctl", "user.max_user_namespaces", err)
	}
	defer unix.Close(fd)
	_, err = unix.Write(fd, []byte(strconv.Itoa(n)))
	return setup.Fail("sysctl", "user.max_user_namespaces", err)
}
