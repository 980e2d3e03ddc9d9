package spawn

import (
	"errors"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/hashicorp/go-multierror"
	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/spawn/catch"
	"github.com/jailspawn/jailspawn/setup/spawn/hook"
	"github.com/jailspawn/jailspawn/setup/spawn/named"
)

// takeName takes the plan's name. A plan without one has no claim, and nothing
// is written for it.
func takeName(p *setup.Plan) (*named.Claim, error) {
	if p.Name == "" {
		return nil, nil
	}
	dir, err := named.Open()
	if err != nil {
		return nil, err
	}
	return dir.Claim(p.Name)
}

// publish makes a named jail known, before it gets its plan.
func (j *Jail) publish(p *setup.Plan, claim *named.Claim, o *Options) error {
	j.asked, j.claim, j.report = p, claim, o.Report
	j.reportStarted()
	if claim == nil {
		return nil
	}
	init, err := named.Identify(j.pid)
	if err == nil {
		err = claim.Publish(&named.State{Started: time.Now(), Init: init, Log: o.Log, Cgroup: j.group.Path(), Plan: p})
	}
	if err != nil {
		j.abandon()
	}
	return err
}

// running does what is to be done when the payload runs its program. A failure
// ends the jail.
func (j *Jail) running() {
	err := j.postStart()
	if err == nil {
		j.serviceRuns()
		if j.started != nil {
			err = j.started(j)
		}
	}
	if err != nil {
		j.handing = err
		_ = unix.Kill(j.pid, unix.SIGKILL)
	}
}

// postStart runs the hooks for a jail that runs, and passes on signals
// meanwhile.
func (j *Jail) postStart() error {
	if len(j.asked.Hooks.PostStart) == 0 {
		return nil
	}
	var done [2]int
	if err := unix.Pipe2(done[:], unix.O_CLOEXEC); err != nil {
		return setup.Fail(string(hook.PostStart), "", err)
	}
	defer unix.Close(done[0])
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // the hooks die with it
		defer runtime.UnlockOSThread()
		result <- hook.Run(hook.PostStart, j.asked, j.pid)
		unix.Close(done[1])
	}()
	catch.Wait(done[0], &j.signals, j.forward)
	return <-result
}

// release does what is to be done when the jail is gone: it tells those who
// wait, runs the last hooks and gives the name free.
func (j *Jail) release(status syscall.WaitStatus, err error) error {
	defer j.claim.Remove()
	e := &setup.Event{Kind: setup.EventExited, Status: uint32(status)}
	code := ExitStatus(status)
	if err != nil {
		code = setup.ExitStatus(err)
		e = &setup.Event{Kind: setup.EventFailed, Err: *setup.Fail("jail", "", err).(*setup.Error)}
	}
	j.claim.End(e)
	if last := hook.Run(hook.PostStop, j.asked, 0, "JAIL_STATUS="+strconv.Itoa(code)); last != nil {
		err = both(err, last)
	}
	return err
}

// both joins two errors, of which the first may be nil.
func both(first, second error) error {
	if first == nil {
		return second
	}
	var several *multierror.Error
	if errors.As(first, &several) {
		return multierror.Append(several, second)
	}
	return multierror.Append(nil, first, second)
}
