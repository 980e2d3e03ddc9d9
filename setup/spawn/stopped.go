package spawn

import (
	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// keepRunning continues jailinit whenever something has stopped it, as long as
// it lives: it could not report the payload's end otherwise, and we would wait
// for ever. Signals don't stop process 1 of a PID namespace, but a payload that
// may trace it (ptrace(2)) can attach to it and end, which leaves it stopped. In
// a jail that shares the PID namespace a signal does.
func (j *Jail) keepRunning(p *setup.Plan) error {
	if !traces(p) && !p.Shares(setup.PIDNS) {
		return nil
	}
	pidfd, err := unix.PidfdOpen(j.pid, 0) // our child, not yet waited for: it exists
	if err != nil {
		return setup.Fail("jailinit", "", err)
	}
	go func() {
		defer unix.Close(pidfd)
		for {
			var info unix.Siginfo
			err := unix.Waitid(unix.P_PIDFD, pidfd, &info, unix.WSTOPPED|unix.WEXITED|unix.WNOWAIT, nil)
			switch {
			case err == unix.EINTR:
			case err != nil || info.Code != childStopped:
				return
			default:
				_ = unix.Waitid(unix.P_PIDFD, pidfd, nil, unix.WSTOPPED|unix.WNOHANG, nil)
				_ = unix.PidfdSendSignal(pidfd, unix.SIGCONT, nil, 0)
			}
		}
	}()
	return nil
}

// childStopped is CLD_STOPPED of waitid(2).
const childStopped = 5
