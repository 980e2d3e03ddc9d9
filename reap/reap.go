// Package reap is what process 1 of a jail does while the payload runs: it
// collects every child that ends, whoever left it behind, and passes signals
// on. It is the only caller of wait4(2) in jailinit; there is no os/exec, whose
// waiting would compete with it.
package reap

import (
	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// Payload reaps children until the payload ends, and returns its wait status.
// Those of others are told to who waits for them; orphans are reaped on the way
// and forgotten. It blocks in the kernel and never polls.
func Payload(pid int, others *Children) (unix.WaitStatus, error) {
	for {
		ended, status, err := others.next()
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 0, setup.Fail("wait", "", err)
		case ended == pid:
			return status, nil
		}
	}
}

// ExitStatus returns the exit status that tells of a wait status: its own, or
// 128+n for signal n.
func ExitStatus(status unix.WaitStatus) int {
	if status.Signaled() {
		return setup.StatusSignal + int(status.Signal())
	}
	return status.ExitStatus()
}

// Control obeys the messages that jailspawn sends while the payload runs, and
// returns when jailspawn is gone.
func Control(fd, pid int) {
	var message [2]byte
	for {
		n, _, _, _, err := unix.Recvmsg(fd, message[:], nil, unix.MSG_CMSG_CLOEXEC)
		switch {
		case err == unix.EINTR:
		case err != nil || n == 0:
			return
		case n == 2 && setup.Control(message[0]) == setup.ControlSignal:
			forward(pid, unix.Signal(message[1]))
		}
	}
}

// forward sends a signal to the payload. One that has ended is a zombie until
// Payload has seen it, so the number can't be another's; ESRCH means that the
// jail is about to end.
func forward(pid int, sig unix.Signal) {
	_ = unix.Kill(pid, sig)
}
