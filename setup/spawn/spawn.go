// Package spawn starts jails. It is the library behind jailspawn: it checks a
// plan, clones jailinit into new namespaces, hands it the plan over a pipe and
// waits until the jail is gone.
//
// It runs on the host, as root or as an ordinary user. A jail never outlives
// the process that started it.
package spawn

import (
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/check"
)

// Options is how a jail is started, beside its plan. The zero value is usable.
type Options struct {
	// Init is the path of jailinit. Empty: beside the running program, then in
	// ../libexec/jailspawn.
	Init string

	// Stdin, Stdout and Stderr are the payload's; nil means this process's own.
	Stdin, Stdout, Stderr *os.File

	// Signals are forwarded to the payload as long as it runs.
	Signals <-chan os.Signal

	// Started, if not nil, is called when the payload runs its program.
	Started func()
}

// Run starts the jail that p describes and returns when it is gone, with the
// wait status of the payload. It keeps the calling goroutine on its thread, as
// the jail is killed when that thread ends.
//
// An error is a [setup.Error], or several in a multierror.Error if the plan
// itself is wrong; [setup.ExitStatus] tells the exit status for it.
func Run(p *setup.Plan, o Options) (syscall.WaitStatus, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := check.Plan(p); err != nil {
		return 0, err
	}
	c, err := callerNow()
	if err != nil {
		return 0, err
	}
	plan, lock, err := c.resolve(p)
	if err != nil {
		return 0, err
	}
	defer closeFD(lock)
	j, err := clone(plan, o)
	if err != nil {
		return 0, err
	}
	failed := make(chan error, 1)
	go func() { failed <- j.hand(plan, c) }()
	if o.Signals != nil {
		stop := make(chan struct{})
		defer close(stop)
		go j.forward(o.Signals, stop)
	}
	status, err := j.wait(o.Started)
	if handErr := <-failed; handErr != nil && err == errSilent {
		err = handErr
	}
	unix.Close(j.control)
	return status, err
}

// forward passes signals to jailinit, until the jail is gone.
func (j *jail) forward(signals <-chan os.Signal, stop <-chan struct{}) {
	for {
		select {
		case s := <-signals:
			sig, ok := s.(syscall.Signal)
			if !ok {
				continue
			}
			// A jail that is ending needs no signal: errors are not news.
			_ = unix.Sendto(j.control, []byte{byte(setup.ControlSignal), byte(sig)}, unix.MSG_NOSIGNAL, nil)
			if sig == unix.SIGTSTP {
				// The payload was asked to stop; stop as well, so that the
				// shell gets its terminal back.
				_ = unix.Kill(unix.Getpid(), unix.SIGSTOP)
			}
		case <-stop:
			return
		}
	}
}

func closeFD(fd int) {
	if fd >= 0 {
		unix.Close(fd)
	}
}
