package main

import (
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/confine"
)

// The second stage is jailinit executed once more, as the process that then
// executes the payload. Three kinds of plan need it: a seccomp policy that
// forbids what it takes to start a process can only be loaded by that process
// itself; a payload that keeps sys_admin lives in a user and mount namespace
// inside the jail's, as only that makes the attributes of its mounts irrevocable
// (mount_namespaces(7)); and one with sockets by activation is told its own
// process id.
//
// Its contract is that of the first stage, without a control socket: the plan
// on descriptor 3, events on 4, passed descriptors from 6 on.

// openSelf opens jailinit's own file while a proc of the host shows it.
func (j *jail) openSelf() error {
	if !j.plan.SecondStage() {
		return nil
	}
	fd, err := unix.Open("/proc/self/exe", unix.O_PATH|unix.O_CLOEXEC, 0)
	if err == nil {
		// Above all that the second stage's own descriptors are put on.
		j.self, err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, setup.FirstPassedFD+len(j.plan.Process.PassFDs))
		unix.Close(fd)
	}
	return setup.Fail("second stage", "/proc/self/exe", err)
}

// startSecond starts the second stage and returns when it has executed the
// payload.
func (j *jail) startSecond(p *setup.Process, how *syscall.ProcAttr) (int, error) {
	var plan, status [2]int
	if err := unix.Pipe2(plan[:], unix.O_CLOEXEC); err != nil {
		return 0, setup.Fail("second stage", "", err)
	}
	if err := unix.Pipe2(status[:], unix.O_CLOEXEC); err != nil {
		return 0, setup.Fail("second stage", "", err)
	}
	pid, err := j.forkSecond(p, how, plan[0], status[1])
	unix.Close(plan[0])
	unix.Close(status[1])
	if err == nil {
		err = sendSecond(plan[1], j.secondPlan(p))
	}
	unix.Close(plan[1])
	if err == nil {
		err = secondEvent(status[0])
	}
	unix.Close(status[0])
	if err != nil && pid > 0 {
		_ = unix.Kill(pid, unix.SIGKILL) // and it is reaped like any other
	}
	return pid, err
}

// forkSecond forks jailinit, in namespaces of its own if the plan wants them.
func (j *jail) forkSecond(p *setup.Process, how *syscall.ProcAttr, plan, status int) (pid int, err error) {
	none := ^uintptr(0)
	files := append(how.Files[:3:3], uintptr(plan), uintptr(status), none)
	for i := range p.PassFDs {
		files = append(files, uintptr(setup.FirstPassedFD+i))
	}
	how.Files = files
	// Preemption by signals would return from them under a filter that may
	// forbid it.
	how.Env = []string{"GOMAXPROCS=1", "GODEBUG=asyncpreemptoff=1"}
	argv := []string{"jailinit"}
	if j.plan.OwnMounts() {
		err = j.inOwnNamespaces(how, func() (err error) {
			pid, err = j.forkByProc(argv, how)
			return err
		})
	} else {
		pid, err = forkCopied("", j.self, argv, how)
	}
	if err == nil {
		return pid, nil
	}
	e := setup.Fail("second stage", "", err).(*setup.Error)
	if e.Errno == unix.ENOENT {
		e.Hint = "the payload needs a second stage (sys_admin, a policy that forbids to start processes, or --listen-fds), and for that a proc at /proc"
	}
	return 0, e
}

// forkByProc executes jailinit in new namespaces, where no vfork(2) is used,
// over a link of the proc that is the working directory. The one at /proc won't
// do: others may see the same root, and whoever can write to it there can move
// what this one is mounted on, and put a program where the link was.
func (j *jail) forkByProc(argv []string, how *syscall.ProcAttr) (int, error) {
	return syscall.ForkExec("self/fd/"+strconv.Itoa(j.self), argv, how)
}

// secondPlan is what of the plan the second stage needs.
func (j *jail) secondPlan(p *setup.Process) *setup.Plan {
	plan := *j.plan
	plan.Mounts, plan.Root = nil, setup.Root{}
	plan.Process = *p
	if len(p.PassFDs) == 0 {
		plan.Service.Listen = 0 // it isn't the payload, and has no sockets
	}
	return &plan
}

func sendSecond(fd int, p *setup.Plan) error {
	data, err := setup.Encode(p)
	for err == nil && len(data) > 0 {
		var n int
		if n, err = unix.Write(fd, data); err == unix.EINTR {
			n, err = 0, nil
		}
		data = data[max(n, 0):]
	}
	return setup.Fail("second stage", "", err)
}

// secondEvent waits until the second stage has executed the payload, which
// closes the pipe, or told why it couldn't.
func secondEvent(fd int) error {
	data, err := readAll(fd)
	if err != nil {
		return setup.Fail("second stage", "", err)
	}
	e, _, err := setup.DecodeEvent(data)
	if err != nil || e == nil {
		return err
	}
	return &e.Err
}

// second is the main function of the second stage. It ends only if something
// went wrong.
func second() {
	j, status := new(jail), setup.StatusFD
	err := j.readPlan()
	if err == nil {
		status, err = placePassed(j.plan.Process.PassFDs)
	}
	if err == nil {
		err = j.becomePayload(&j.plan.Process)
	}
	reportTo(status, &setup.Event{Kind: setup.EventFailed, Err: asError(err)})
	unix.Exit(setup.StatusNotBuilt)
}

// becomePayload takes what the payload is not to have, and executes it.
func (j *jail) becomePayload(p *setup.Process) error {
	if err := confine.Hide(); err != nil {
		return err
	}
	if err := j.leaveProc(); err != nil {
		return err
	}
	if err := j.confine(p); err != nil {
		return err
	}
	if err := enter(p.Cwd); err != nil {
		return err
	}
	j.listenPID(p)
	program, err := find(p.Argv[0], p.Env)
	if err != nil {
		return execError(p.Argv[0], err)
	}
	return j.filterAndExecute(program, p)
}

// placePassed puts the passed descriptors under their numbers, the others out
// of their way first. It returns where the status pipe is then.
func placePassed(numbers []int) (status int, err error) {
	fail := func(err error) (int, error) {
		return setup.StatusFD, setup.Fail("second stage", "descriptors", err)
	}
	top := setup.FirstPassedFD + len(numbers)
	for _, n := range numbers {
		top = max(top, n+1)
	}
	status, err = unix.FcntlInt(setup.StatusFD, unix.F_DUPFD_CLOEXEC, top)
	if err != nil {
		return fail(err)
	}
	high := make([]int, len(numbers))
	for i := range numbers {
		if high[i], err = unix.FcntlInt(uintptr(setup.FirstPassedFD+i), unix.F_DUPFD_CLOEXEC, top); err != nil {
			return fail(err)
		}
		unix.CloseOnExec(setup.FirstPassedFD + i)
	}
	for i, n := range numbers {
		if err := unix.Dup3(high[i], n, 0); err != nil {
			return fail(err)
		}
	}
	return status, nil
}

// filterAndExecute loads the filters and executes the payload, with nothing in
// between. What the filters make of an error's report can't be helped.
func (j *jail) filterAndExecute(program string, p *setup.Process) error {
	path, err := syscall.BytePtrFromString(program)
	if err != nil {
		return execError(p.Argv[0], err)
	}
	argv, err := syscall.SlicePtrFromStrings(p.Argv)
	if err != nil {
		return execError(p.Argv[0], err)
	}
	env, err := syscall.SlicePtrFromStrings(p.Env)
	if err != nil {
		return execError(p.Argv[0], err)
	}
	if err := j.filter(p); err != nil {
		return err
	}
	_, _, errno := unix.RawSyscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(path)), uintptr(unsafe.Pointer(&argv[0])), uintptr(unsafe.Pointer(&env[0])))
	return execError(p.Argv[0], errno)
}
