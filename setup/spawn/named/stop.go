package named

import (
	"errors"
	"io"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// Close lets go of the jail, which goes on.
func (j *Jail) Close() { _ = j.exit.Close() }

// Signal sends a signal to the payload; SIGKILL ends the jail at once, even
// one that doesn't answer.
func (j *Jail) Signal(sig syscall.Signal) error {
	if sig == unix.SIGKILL {
		return j.kill()
	}
	return j.ask(sig, answerTime)
}

// answerTime is how long process 1 may take to answer: it does so at once,
// unless the payload has a right to trace it, and uses it.
const answerTime = 5 * time.Second

// ask has process 1 send a signal to the payload.
func (j *Jail) ask(sig syscall.Signal, limit time.Duration) error {
	c, err := j.dial()
	if err != nil {
		return err
	}
	defer c.close()
	if err := c.limit(limit); err != nil {
		return err
	}
	if err := c.send(&setup.Request{Kind: setup.RequestSignal, Signal: uint32(sig)}, nil); err != nil {
		return err
	}
	e, err := c.next()
	switch {
	case errors.Is(err, unix.EAGAIN):
		return &setup.Error{Step: "name", Target: j.Name, Detail: "process 1 of the jail doesn't answer", Hint: "jailspawn kill -s KILL " + j.Name}
	case err != nil:
		return err
	case e == nil:
		return j.gone()
	case e.Kind == setup.EventFailed:
		return &e.Err
	}
	return nil
}

// kill ends process 1 of the jail, and the jail with it.
func (j *Jail) kill() error {
	fd, err := j.Init.Open()
	if err != nil {
		return j.gone()
	}
	defer unix.Close(fd)
	return setup.Fail("kill", j.Name, unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0))
}

// Stop asks the payload to end (SIGTERM), ends the jail when grace has passed,
// and returns when it is gone.
func (j *Jail) Stop(grace time.Duration) error {
	fd, err := j.Supervisor.Open()
	if err != nil {
		return nil // it is gone
	}
	defer unix.Close(fd)
	if grace > 0 {
		if j.Paused() {
			_ = j.Resume()
		}
		// A payload that can't be asked is one that gets no grace.
		begin := time.Now()
		err := j.ask(unix.SIGTERM, grace)
		grace = max(grace-time.Since(begin), 0)
		if err == nil && ended(fd, int(grace.Milliseconds())) {
			return nil
		}
	}
	_ = j.kill() // if it fails, then because the jail ended
	if !ended(fd, 2*endTime) {
		return &setup.Error{Step: "stop", Target: j.Name, Detail: "the jail was killed but jailspawn doesn't end", Hint: "kill process " + decimal(j.Supervisor.PID)}
	}
	return nil
}

// Wait returns when the jail is gone, with the wait status of its payload or
// with what kept it from being built.
func (j *Jail) Wait() (syscall.WaitStatus, error) {
	if fd, err := j.Supervisor.Open(); err == nil {
		ended(fd, -1)
		unix.Close(fd)
	}
	data, err := io.ReadAll(io.NewSectionReader(j.exit, 0, 1<<20))
	if err != nil {
		return 0, setup.Fail("wait", j.Name, err)
	}
	e, _, err := setup.DecodeEvent(data)
	switch {
	case err != nil:
		return 0, err
	case e == nil:
		return 0, &setup.Error{Step: "wait", Target: j.Name, Detail: "its jailspawn was killed, and the jail with it"}
	case e.Kind == setup.EventFailed:
		return 0, &e.Err
	}
	return syscall.WaitStatus(e.Status), nil
}

// gone is the error of a jail that ended while something was asked of it.
func (j *Jail) gone() error {
	return &setup.Error{Step: "name", Target: j.Name, Detail: "the jail has ended"}
}
