// Package reap is what process 1 of a jail does while the payload runs: it
// collects every child that ends, whoever left it behind, passes signals on,
// and ends what is left when the payload is gone. It is the only caller of
// wait4(2) in jailinit; there is no os/exec, whose waiting would compete with
// it.
package reap

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// A Jail is the processes of a jail as process 1 sees them.
type Jail struct {
	PID     int               // the payload, which leads a process group
	Stopped func(unix.Signal) // told when a signal has stopped the payload
	Others  *Children         // those of a named jail, or nil
	Shared  bool              // this isn't process 1: there are processes that are not the jail's
	ended   atomic.Bool
}

// Payload reaps children until the payload ends, and returns its wait status.
// Those of others are told to who waits for them; orphans are reaped on the way
// and forgotten. It blocks in the kernel and never polls.
func (j *Jail) Payload() (unix.WaitStatus, error) {
	for {
		pid, status, err := j.Others.next(0)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 0, setup.Fail("wait", "", err)
		case pid != j.PID:
		case status.Stopped():
			j.Stopped(status.StopSignal())
		default:
			j.ended.Store(true)
			return status, nil
		}
	}
}

// Rest sees the processes off that the payload left behind: those that end by
// themselves if wait is set, else by SIGTERM. What is left after grace, in
// milliseconds, gets SIGKILL. There is nothing to do, and it takes no time, if
// nothing was left.
//
// In a shared PID namespace jailspawn signals them, which finds them by their
// cgroup; here they are waited for.
func (j *Jail) Rest(grace uint32, wait bool) {
	if grace == 0 && !wait || !j.reapLeft(unix.WNOHANG) {
		return
	}
	if !wait && !j.Shared {
		// Also to those that are stopped, which would not look at it.
		_ = unix.Kill(-1, unix.SIGTERM)
		_ = unix.Kill(-1, unix.SIGCONT)
		time.AfterFunc(time.Duration(grace)*time.Millisecond, func() {
			_ = unix.Kill(-1, unix.SIGKILL)
		})
	}
	j.reapLeft(0)
}

// Alone reports whether no process is left in the jail. Then there will be
// none, as nobody is there who could start it, but for [Children.Start].
func (j *Jail) Alone() bool {
	if j.Shared || j.reapLeft(unix.WNOHANG) {
		return false
	}
	_, err := unix.Wait4(-1, nil, unix.WNOHANG|unix.WALL, nil)
	return err == unix.ECHILD
}

// reapLeft reaps until no child is left, or with WNOHANG none that has ended.
// It reports whether there are children left.
func (j *Jail) reapLeft(options int) bool {
	for {
		pid, _, err := j.Others.next(options)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return false
		case pid == 0:
			return true
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
