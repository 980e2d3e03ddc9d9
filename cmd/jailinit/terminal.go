package main

import (
	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/reap"
	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/pty"
)

func (j *jail) hasTerminal() bool { return j.plan.Process.Terminal != setup.TerminalNever }

// terminal gives the jail a terminal of its own, hands its master to jailspawn
// and waits until it has the size of the caller's.
func (j *jail) terminal() error {
	if !j.hasTerminal() {
		return nil
	}
	p := &j.plan.Process
	master, slave, err := pty.Open(p.UID, p.GID)
	if err != nil {
		return err
	}
	if err := send(setup.ControlTerminal, master); err != nil {
		return err
	}
	var answer [reap.SignalLength]byte
	if n, _, err := j.hear(answer[:], nil); err != nil || n == 0 || setup.Control(answer[0]) != setup.ControlTerminal {
		unix.Exit(setup.StatusNotBuilt) // jailspawn gave up, and tells why
	}
	return pty.Take(slave, p.Terminal == setup.TerminalAlways)
}

// leaveTerminal gives up the controlling terminal (TIOCNOTTY). It is then not
// hung up when process 1 ends, which would lose what jailspawn hasn't read.
func (j *jail) leaveTerminal() {
	if !j.hasTerminal() {
		return
	}
	tty, err := unix.Open("/dev/tty", unix.O_RDONLY|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return // it is hung up already
	}
	_ = unix.IoctlSetInt(tty, unix.TIOCNOTTY, 0)
	_ = unix.Close(tty)
}

// send passes descriptors to jailspawn and closes them here.
func send(what setup.Control, fds ...int) error {
	err := unix.Sendmsg(setup.ControlFD, []byte{byte(what)}, unix.UnixRights(fds...), nil, unix.MSG_NOSIGNAL)
	for _, fd := range fds {
		_ = unix.Close(fd)
	}
	return setup.Fail("control", "", err)
}
