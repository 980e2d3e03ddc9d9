package reap

import (
	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// SignalLength is the length of a [setup.ControlSignal] message: its kind, the
// signal, and whether it is for the payload's process group.
const SignalLength = 3

// Control obeys the messages that jailspawn sends while the jail lives, and
// returns when jailspawn is gone.
func (j *Jail) Control(fd int) {
	var message [SignalLength]byte
	for {
		n, _, _, _, err := unix.Recvmsg(fd, message[:], nil, unix.MSG_CMSG_CLOEXEC)
		switch {
		case err == unix.EINTR:
		case err != nil || n == 0:
			return
		default:
			j.Obey(message[:n])
		}
	}
}

// Obey does what one message says.
func (j *Jail) Obey(message []byte) {
	if len(message) == SignalLength && setup.Control(message[0]) == setup.ControlSignal {
		j.signal(unix.Signal(message[1]), message[2] != 0)
	}
}

// signal passes a signal on to the payload or its process group; when the
// payload is gone, to all that it left behind. A payload that has ended is a
// zombie until Payload has seen it, so its number can't be another's. ESRCH
// means that there is nobody left to tell.
func (j *Jail) signal(sig unix.Signal, group bool) {
	target := j.PID
	switch {
	case j.ended.Load() && j.Shared:
		return // jailspawn, which knows, signals the rest
	case j.ended.Load():
		target = -1
	case group:
		target = -j.PID
	}
	_ = unix.Kill(target, sig)
}
