package confine

import (
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/mountfd"
)

// HiddenProc returns a proc (proc(5)) that nothing covers and that is mounted
// nowhere. It needs a PID namespace of the jail's own.
func HiddenProc() (int, error) {
	fd, err := mountfd.New("proc", "proc", unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOEXEC)
	return fd, setup.Fail("sysctl", "proc", err)
}

// LimitUserns sets, by a proc, how many user namespaces may be made within that
// of the calling process (user.max_user_namespaces of namespaces(7)). It needs
// CAP_SYS_RESOURCE there.
func LimitUserns(proc, n int) error {
	fd, err := unix.Openat(proc, "sys/user/max_user_namespaces", unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err == nil {
		_, err = unix.Write(fd, []byte(strconv.Itoa(n)))
		_ = unix.Close(fd)
	}
	return setup.Fail("sysctl", "user.max_user_namespaces", err)
}
