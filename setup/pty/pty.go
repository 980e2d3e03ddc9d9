// Package pty opens pseudoterminals in a jail's own devpts. It runs in
// jailinit, inside the jail, as long as that has the right to change owners.
// The half that relays for the caller's terminal is in setup/spawn/tty.
package pty

import (
	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// multiplexer makes a new terminal each time it is opened (pts(4)).
const multiplexer = "/dev/pts/ptmx"

// Open opens a new terminal that belongs to uid and gid: its master, non-blocking,
// and the terminal itself. As the latter comes from the jail's own devpts,
// ttyname(3) finds it by name there. It needs a devpts at /dev/pts, and Linux
// 4.13 (TIOCGPTPEER).
func Open(uid, gid uint32) (master, slave int, err error) {
	master, err = unix.Open(multiplexer, unix.O_RDWR|unix.O_NOCTTY|unix.O_NOFOLLOW|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return -1, -1, openError(err)
	}
	if slave, err = peer(master); err == nil {
		if err = unix.Fchown(slave, int(uid), int(gid)); err != nil {
			unix.Close(slave)
		}
	}
	if err != nil {
		unix.Close(master)
		return -1, -1, openError(err)
	}
	return master, slave, nil
}

func peer(master int) (int, error) {
	if err := unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0); err != nil {
		return -1, err
	}
	const flags = unix.O_RDWR | unix.O_NOCTTY | unix.O_CLOEXEC
	fd, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(master), unix.TIOCGPTPEER, flags)
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}

func openError(err error) error {
	e := setup.Fail("terminal", multiplexer, err).(*setup.Error)
	e.Hint = "the jail needs a /dev of its own for it, or no terminal: --tty never"
	return e
}

// Take makes the terminal the controlling one of the calling process, which
// leads a session without (TIOCSCTTY), and then its descriptors: all of 0, 1
// and 2, or those that are terminals now. The descriptor slave is closed.
func Take(slave int, all bool) error {
	if err := unix.IoctlSetInt(slave, unix.TIOCSCTTY, 0); err != nil {
		return setup.Fail("terminal", "", err)
	}
	for fd := range 3 {
		if !all && !IsTerminal(fd) {
			continue
		}
		if err := unix.Dup2(slave, fd); err != nil {
			return setup.Fail("terminal", "", err)
		}
	}
	return setup.Fail("terminal", "", unix.Close(slave))
}

// IsTerminal reports whether a descriptor is a terminal (isatty(3)).
func IsTerminal(fd int) bool {
	_, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	return err == nil
}
