package main

import (
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/confine"
	"github.com/jailspawn/jailspawn/setup/schedule"
)

// startPayload starts the payload with its descriptors, in a process group of
// its own.
func (j *jail) startPayload() (pid int, err error) {
	p := &j.plan.Process
	return j.start(p, &syscall.ProcAttr{
		Files: files(p.PassFDs),
		Sys:   &syscall.SysProcAttr{Setpgid: true, Foreground: j.hasTerminal()},
	})
}

// start forks a process, the payload or one beside it, from a thread of its
// own. What is done there binds the thread and its child for good; the thread
// then ends with its goroutine, as it stays locked.
func (j *jail) start(p *setup.Process, how *syscall.ProcAttr) (pid int, err error) {
	if err := j.score.Raise(); err != nil {
		return 0, err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		_, _, _ = unix.RawSyscall(unix.SYS_PRCTL, unix.PR_SET_TIMERSLACK, timerSlack, 0)
		pid, err = j.confineAndStart(p, how)
	}()
	<-done
	if lowered := j.score.Restore(); err == nil && lowered != nil {
		_ = unix.Kill(pid, unix.SIGKILL)
		return pid, lowered
	}
	return pid, err
}

// confineAndStart is the second half of the story, unless a second stage tells
// it.
func (j *jail) confineAndStart(p *setup.Process, how *syscall.ProcAttr) (int, error) {
	if j.plan.SecondStage() {
		return j.startSecond(p, how)
	}
	if err := j.confine(p); err != nil {
		return 0, err
	}
	if err := enter(p.Cwd); err != nil {
		return 0, err
	}
	if err := j.filter(p); err != nil {
		return 0, err
	}
	return j.execute(p, how)
}

// filter is what comes last: only what the filters allow can be done behind it.
func (j *jail) filter(p *setup.Process) error {
	rights, err := confine.RightsOf(p)
	if err == nil {
		err = confine.Seccomp(&p.Seccomp)
	}
	if err != nil {
		return err
	}
	return confine.Settle(p, &j.plan.IDs, rights)
}

// confine takes from the calling thread what the payload is not to have, in the
// order that makes it sound: each step needs a right that a later one takes
// away.
func (j *jail) confine(p *setup.Process) error {
	rights, err := confine.RightsOf(p)
	if err != nil {
		return err
	}
	for _, step := range []func() error{
		j.hideCgroups,
		confine.Keyring,
		func() error { return confine.Labels(&p.Labels) },
		func() error { return schedule.Apply(&p.Schedule) },
		func() error { return confine.Bounding(rights.Bounding) },
		func() error { return confine.Identity(p) },
		func() error { return confine.Capabilities(p, rights) },
		func() error { return confine.NoNewPrivileges(p, &j.plan.IDs, rights) },
		confine.ResetSignals,
		func() error { return confine.Limits(p.Rlimits) },
		func() error { return umask(p.Umask) },
		func() error { return confine.Landlock(&p.Landlock) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// hideCgroups makes the jail's cgroup the root of what the payload sees of
// cgroups, where it has one. The namespace it was cloned with begins at
// jailspawn's.
func (j *jail) hideCgroups() error {
	if !j.plan.Resources.WantsCgroup() || j.plan.Shares(setup.CgroupNS) {
		return nil
	}
	return setup.Fail("cgroup", "namespace", unix.Unshare(unix.CLONE_NEWCGROUP))
}

func umask(mask *uint32) error {
	m := 0o022
	if mask != nil {
		m = int(*mask)
	}
	unix.Umask(m)
	return nil
}

// execute starts the process. jailinit leads its session, so its group isn't
// orphaned and can be stopped. They have no controlling terminal but the jail's
// own, where there is one.
func (j *jail) execute(p *setup.Process, how *syscall.ProcAttr) (int, error) {
	program, err := find(p.Argv[0], p.Env)
	if err == nil {
		how.Env = p.Env
		var pid int
		pid, err = j.fork(program, p.Argv, how)
		if err == nil {
			return pid, nil
		}
	}
	return 0, execError(p.Argv[0], err)
}

// letGo drops what process 1 has of the payload's: its working directory and
// its standard descriptors and passed ones, so that a pipe which the payload
// closes is closed.
func (j *jail) letGo() error {
	if err := unix.Chdir("/"); err != nil {
		return setup.Fail("chdir", "/", err)
	}
	// Numbers 0 to 2 stay taken, by something that can't be read or written.
	null, err := unix.Open("/", unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return setup.Fail("descriptors", "/", err)
	}
	for fd := range 3 {
		if err := unix.Dup3(null, fd, unix.O_CLOEXEC); err != nil {
			return setup.Fail("descriptors", "", err)
		}
	}
	_ = unix.Close(null)
	for i := range j.plan.Process.PassFDs {
		_ = unix.Close(setup.FirstPassedFD + i)
	}
	return nil
}

// enter changes to the payload's directory, with the payload's rights. A link of
// /proc would lead to what this process has open or where it is, and not to a
// place in the jail.
func enter(dir string) error {
	if dir == "" {
		return nil
	}
	fd, err := unix.Openat2(unix.AT_FDCWD, dir, &unix.OpenHow{
		Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_MAGICLINKS,
	})
	if err == nil {
		err = unix.Fchdir(fd)
		unix.Close(fd)
	}
	if err == nil {
		return nil
	}
	e := setup.Fail("chdir", dir, err).(*setup.Error)
	switch err {
	case unix.ENOENT:
		e.Hint = "it doesn't exist inside the jail; open it with --here, --ro or --rw"
	case unix.ELOOP:
		e.Hint = "it leads over a link that /proc shows of a process; name the place itself"
	}
	return e
}

// files lays out the payload's descriptors by number.
func files(pass []int) []uintptr {
	files := []uintptr{0, 1, 2}
	for i, fd := range pass {
		for len(files) <= fd {
			files = append(files, ^uintptr(0))
		}
		files[fd] = uintptr(setup.FirstPassedFD + i)
	}
	return files
}

// find looks a program up in PATH as execvp(3) does: a candidate that may not
// be executed is passed over, but remembered.
func find(name string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	var denied error
	for _, dir := range strings.Split(pathOf(env), ":") {
		if dir == "" {
			dir = "."
		}
		candidate := dir + "/" + name
		var st unix.Stat_t
		if unix.Stat(candidate, &st) != nil || st.Mode&unix.S_IFMT == unix.S_IFDIR {
			continue
		}
		if err := unix.Faccessat2(unix.AT_FDCWD, candidate, unix.X_OK, unix.AT_EACCESS); err == nil {
			return candidate, nil
		}
		denied = unix.EACCES
	}
	if denied != nil {
		return "", denied
	}
	return "", unix.ENOENT
}

func pathOf(env []string) string {
	for _, e := range env {
		if path, ok := strings.CutPrefix(e, "PATH="); ok {
			return path
		}
	}
	return "/usr/local/bin:/usr/bin:/bin"
}

func execError(name string, err error) error {
	e := setup.Fail("exec", name, err).(*setup.Error)
	e.Status = setup.StatusNotExecutable
	var st unix.Stat_t
	found := strings.Contains(name, "/") && unix.Stat(name, &st) == nil
	switch {
	case e.Errno == unix.ENOENT && found:
		e.Status = setup.StatusNotFound
		e.Hint = "the file is there, but the interpreter or loader that it names is not"
	case e.Errno == unix.ENOENT:
		e.Status = setup.StatusNotFound
		e.Hint = "no such program inside the jail; open its directory with --ro, and look at PATH"
	case found && st.Mode&unix.S_IFMT == unix.S_IFDIR:
		e.Errno, e.Hint = unix.EISDIR, "name a program"
	case e.Errno == unix.EACCES:
		e.Hint = "it needs execute permission, for the payload's user and on every directory above"
	case e.Errno == unix.ENOEXEC:
		e.Hint = "a script needs a #! line, a binary this machine's architecture"
	case e.Errno == unix.EPERM:
		e.Hint = "a seccomp policy of --seccomp may forbid execve"
	case e.Errno == unix.E2BIG:
		e.Hint = "arguments and environment are too long"
	}
	return e
}
