package hostnet

import (
	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// settings is the directory of the IPv6 settings of one network namespace's
// interfaces. /proc/sys/net shows those of the thread that looks; below this
// directory it stays with the namespace in which it was opened. It is negative
// on a kernel without IPv6, which has nothing to set.
type settings int

const (
	noSettings   settings = -1
	settingsPath          = "/proc/sys/net/ipv6/conf"
)

// openSettings opens those of this thread's namespace.
func openSettings() (settings, error) {
	fd, err := unix.Open(settingsPath, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err == unix.ENOENT {
		return noSettings, nil
	}
	return settings(fd), setup.Fail("network", settingsPath, err)
}

func (s settings) close() {
	if s >= 0 {
		unix.Close(int(s))
	}
}

func (s settings) set(device, name, value string) error {
	if s < 0 {
		return nil
	}
	return setup.Fail("network", settingsPath+"/"+device+"/"+name, write(int(s), device+"/"+name, value))
}

func write(dir int, name, value string) error {
	fd, err := unix.Openat(dir, name, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = unix.Write(fd, []byte(value))
	return err
}
