// Since Go 1.25 the runtime keeps cgroup files of the host open for life,
// unless it is told not to look at them.
//go:debug containermaxprocs=0
//go:debug updatemaxprocs=0

// Command jailinit is process 1 of a jail. jailspawn starts it in new
// namespaces with a plan; it is of no use to anybody else.
//
// It builds what the plan says, in the order of [steps]; starts the payload;
// then reaps until the payload ends, reports its status and exits, which makes
// the kernel end whatever is left in the jail.
package main

import (
	"errors"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/reap"
	"github.com/jailspawn/jailspawn/setup"
)

// timerSlack is how late, in nanoseconds, the kernel may wake the caller of
// jailspawn up, and so the payload; threads of this process may be later.
var timerSlack uintptr

// The thread that jailspawn cloned carries the parent-death signal: main stays
// on it. It knows the caller's timer slack as its default (PR_SET_TIMERSLACK).
func init() {
	_, _, _ = unix.RawSyscall(unix.SYS_PRCTL, unix.PR_SET_TIMERSLACK, 0, 0)
	timerSlack, _, _ = unix.RawSyscall(unix.SYS_PRCTL, unix.PR_GET_TIMERSLACK, 0, 0)
	runtime.LockOSThread()
}

func main() {
	if reason := contract(); reason != "" {
		complain("jailinit: " + reason + " (hint: start jails with jailspawn)\n")
		unix.Exit(setup.StatusMisuse)
	}
	if !first() {
		second()
	}
	status, err := run()
	if err != nil {
		report(&setup.Event{Kind: setup.EventFailed, Err: asError(err)})
		unix.Exit(setup.ExitStatus(err))
	}
	unix.Exit(reap.ExitStatus(status))
}

// first tells the first stage from the second: it is process 1, or in a PID
// namespace that is shared has a control socket.
func first() bool {
	var st unix.Stat_t
	return unix.Getpid() == 1 || unix.Fstat(setup.ControlFD, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFSOCK
}

// run takes the jail from the plan to its end.
func run() (unix.WaitStatus, error) {
	j := new(jail)
	for _, step := range steps {
		if err := step(j); err != nil {
			return 0, err
		}
	}
	pid, err := j.startPayload()
	if err != nil {
		return 0, err
	}
	j.inhabited = true
	report(&setup.Event{Kind: setup.EventStarted})
	processes := &reap.Jail{PID: pid, Stopped: reportStop, Shared: j.plan.Shares(setup.PIDNS)}
	for _, message := range j.early {
		processes.Obey(message[:])
	}
	go func() {
		processes.Control(setup.ControlFD)
		unix.Exit(setup.StatusNotBuilt) // jailspawn is gone, and the jail with it
	}()
	if j.plan.Name != "" {
		processes.Others = new(reap.Children)
		go j.serve(pid, processes.Others)
	}
	if err := j.letGo(); err != nil {
		return 0, err
	}
	status, err := processes.Payload()
	if err != nil {
		return 0, err
	}
	alone := j.plan.Name == "" && processes.Alone()
	report(&setup.Event{Kind: setup.EventExited, Status: uint32(status), Alone: alone})
	processes.Rest(j.plan.Life.Grace, j.plan.Life.WaitAll)
	j.leaveTerminal()
	return status, nil
}

// contract says what of the contract's descriptors is missing.
func contract() string {
	for _, want := range []struct {
		fd   int
		kind uint32
		name string
	}{
		{setup.PlanFD, unix.S_IFIFO, "descriptor 3 is no plan pipe"},
		{setup.StatusFD, unix.S_IFIFO, "descriptor 4 is no status pipe"},
		{setup.ControlFD, unix.S_IFSOCK, "descriptor 5 is no control socket"},
	} {
		if want.fd == setup.ControlFD && !first() {
			break
		}
		var st unix.Stat_t
		if unix.Fstat(want.fd, &st) != nil || st.Mode&unix.S_IFMT != want.kind {
			return want.name
		}
		unix.CloseOnExec(want.fd)
	}
	return ""
}

// report writes an event. Without a reader there is nobody left to tell.
func report(e *setup.Event) { reportTo(setup.StatusFD, e) }

func reportTo(fd int, e *setup.Event) {
	_, _ = unix.Write(fd, e.Encode())
}

// reportStop reports that the payload was stopped, unless the pipe is full of
// such reports: beside a detached jail nobody reads them before its end, and
// process 1 must not wait for that.
func reportStop(sig unix.Signal) {
	poll := []unix.PollFd{{Fd: setup.StatusFD, Events: unix.POLLOUT}}
	if n, err := unix.Poll(poll, 0); err != nil || n == 0 {
		return
	}
	report(&setup.Event{Kind: setup.EventStopped, Status: uint32(sig)})
}

func complain(line string) {
	_, _ = unix.Write(2, []byte(line))
}

func asError(err error) setup.Error {
	var e *setup.Error
	if !errors.As(err, &e) {
		e = &setup.Error{Step: "jailinit", Detail: err.Error()}
	}
	return *e
}
