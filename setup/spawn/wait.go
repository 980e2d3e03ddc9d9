package spawn

import (
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/spawn/catch"
)

// errSilent is a jail that ended without a word.
var errSilent = &setup.Error{
	Step: "jailinit", Detail: "ended before it reported anything",
	Hint: "is it the jailinit of this build, and was nobody killing it?",
}

// wait reads events until jailinit is gone, then collects it. As jailinit is
// process 1 of its PID namespace, its end is the end of every process there; for
// a jail without one see [shared].
func (j *Jail) wait() (status syscall.WaitStatus, err error) {
	e, err := j.events()
	unix.Close(j.status)
	var init unix.WaitStatus
	for {
		_, waitErr := unix.Wait4(j.pid, &init, 0, &j.rusage)
		if waitErr != unix.EINTR {
			break
		}
	}
	switch {
	case err != nil:
		return 0, err
	case e == nil:
		return 0, errSilent
	case e.Kind == setup.EventFailed:
		return 0, &e.Err
	case e.Kind == setup.EventExited:
		return syscall.WaitStatus(e.Status), nil
	case init.Signaled():
		return syscall.WaitStatus(init), nil // process 1 was killed, and so was the payload
	}
	return 0, errSilent
}

// events returns the last event before the end of the pipe.
func (j *Jail) events() (last *setup.Event, err error) {
	buf := make([]byte, 512)
	for {
		catch.Wait(j.status, &j.signals, j.forward)
		n, err := unix.Read(j.status, buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return last, setup.Fail("status", "", err)
		}
		j.pending = append(j.pending, buf[:n]...)
		for {
			e, rest, err := setup.DecodeEvent(j.pending)
			if err != nil {
				_ = unix.Kill(j.pid, unix.SIGKILL)
				return nil, err
			}
			if e == nil {
				break
			}
			j.pending, last = rest, e
			switch e.Kind {
			case setup.EventStarted:
				j.running()
			case setup.EventStopped:
				j.payloadStopped()
			case setup.EventExited:
				j.together.payloadGone()
				if e.Alone {
					j.disconnected = j.disconnect() // while it ends
				}
			}
		}
	}
}

// ExitStatus returns the exit status that tells of a wait status: its own, or
// 128+n for signal n.
func ExitStatus(status syscall.WaitStatus) int {
	if status.Signaled() {
		return setup.StatusSignal + int(status.Signal())
	}
	return status.ExitStatus()
}
