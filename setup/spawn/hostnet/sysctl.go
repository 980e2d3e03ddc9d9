package hostnet

import (
	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// settings are the interfaces' settings of one network namespace. /proc/sys/net
// shows those of the thread that looks; below these two directories it stays
// with the namespace in which they were opened.
type settings struct{ ipv4, ipv6 int }

const (
	settings4 = "/proc/sys/net/ipv4/conf"
	settings6 = "/proc/sys/net/ipv6/conf"
)

// openSettings opens those of this thread's namespace. A kernel without IPv6
// has none for it.
func openSettings() (s settings, err error) {
	const flags = unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC
	s = settings{-1, -1}
	if s.ipv4, err = unix.Open(settings4, flags, 0); err != nil {
		return s, setup.Fail("network", settings4, err)
	}
	if s.ipv6, err = unix.Open(settings6, flags, 0); err == unix.ENOENT {
		err = nil
	}
	return s, setup.Fail("network", settings6, err)
}

func (s settings) close() {
	for _, fd := range []int{s.ipv4, s.ipv6} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

func (s settings) set4(device, name, value string) error {
	return setup.Fail("network", settings4+"/"+device+"/"+name, write(s.ipv4, device+"/"+name, value))
}

// set6 does nothing on a kernel without IPv6, which has nothing to set.
func (s settings) set6(device, name, value string) error {
	if s.ipv6 < 0 {
		return nil
	}
	return setup.Fail("network", settings6+"/"+device+"/"+name, write(s.ipv6, device+"/"+name, value))
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
