package spawn

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/spawn/cgroup"
	"github.com/jailspawn/jailspawn/setup/spawn/early"
	"github.com/jailspawn/jailspawn/setup/spawn/named"
)

// clone starts jailinit in its namespaces and in its cgroup, where it waits for
// its plan, if it was not started before.
func clone(p *setup.Plan, c *caller, o *Options, claim *named.Claim, g *cgroup.Group) (*Jail, error) {
	init, err := openInit(o.Init)
	if err != nil {
		return nil, err
	}
	if j := takeEarly(p, c, o, init, g); j != nil {
		unix.Close(init)
		return j, nil
	}
	if o.Early != nil {
		runtime.LockOSThread() // Start hasn't
	}
	if init, err = sealedHigh(init, p, c); err != nil {
		return nil, err
	}
	defer unix.Close(init)
	ch, err := openChannels()
	if err != nil {
		return nil, err
	}
	defer ch.closeTheirs()
	var pid int
	files, err := descriptors(p, o, ch, claim)
	if err == nil {
		pid, err = fork(p, c, g, "/proc/self/fd/"+strconv.Itoa(init), files)
	}
	if pid == 0 {
		ch.closeOurs()
		return nil, err
	}
	j := &Jail{pid: pid, plan: ch.plan[1], status: ch.status[0], control: ch.control[0], ids: -1, group: g}
	if err == nil {
		err = g.Enter(pid)
	}
	if err != nil {
		j.abandon()
		return nil, err
	}
	if err := j.writeMaps(p, c); err != nil {
		if j.abandon() {
			err = errSilent // and so it had no maps any more
		}
		return nil, cloneError(p, err)
	}
	return j, nil
}

// sealedHigh returns jailinit, sealed where the plan wants it, under a number
// that is none of those that its own descriptors are put on.
func sealedHigh(init int, p *setup.Plan, c *caller) (int, error) {
	init, err := sealed(init, p, c)
	if err != nil {
		return -1, err
	}
	defer unix.Close(init)
	high, err := unix.FcntlInt(uintptr(init), unix.F_DUPFD_CLOEXEC, p.ListenFD()+1)
	return high, setup.Fail("jailinit", "", err)
}

// fork clones jailinit from this thread, which for that long is what the child
// is to be: of the jail's ids, with its priority, in the network that it joins.
// A pid beside an error is that of a child that has to be ended.
func fork(p *setup.Plan, c *caller, g *cgroup.Group, path string, files []uintptr) (pid int, err error) {
	undo, err := elevate(&p.Process.Schedule)
	defer undo()
	if err != nil {
		return 0, err
	}
	leave, err := join(&p.Network)
	if err != nil {
		return 0, err
	}
	sys := attributes(p)
	sys.UseCgroupFD, sys.CgroupFD = g.FD() >= 0, g.FD()
	restore, err := becomeJailRoot(p, c, sys.UseCgroupFD)
	if err != nil {
		_ = leave()
		return 0, err
	}
	pid, err = syscall.ForkExec(path, []string{"jailinit"}, &syscall.ProcAttr{Dir: "/", Env: []string{early.Env}, Files: files, Sys: sys})
	restore()
	left := leave()
	if err != nil {
		if unix.Access(path, unix.X_OK) != nil {
			return 0, &setup.Error{Step: "jailinit", Detail: "it can't be executed", Errno: unix.EACCES, Hint: "chmod 755 it; it may not lie on a file system mounted noexec"}
		}
		return 0, cloneError(p, err)
	}
	return pid, left
}

// abandon ends a jail that has no plan yet, and reports whether it had ended by
// itself.
func (j *Jail) abandon() bool {
	var status unix.WaitStatus
	_ = unix.Kill(j.pid, unix.SIGKILL)
	_, _ = unix.Wait4(j.pid, &status, 0, nil)
	closeAll([]int{j.plan, j.status, j.control})
	return status.Exited()
}

// attributes says how jailinit is cloned: in a session of its own, with all
// capabilities over its new user namespace. They are in the ambient set, as no
// id is mapped yet and execve(2) would lose them otherwise; the maps are
// written when jailinit runs and waits for its plan ([Jail.writeMaps]).
//
// So the child may borrow this process's memory until it runs jailinit, as by
// vfork(2). To copy it instead, which a child that waits for its maps would
// need, costs a start more than all of its mounts.
func attributes(p *setup.Plan) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{
		Cloneflags: p.CloneFlags(),
		Setsid:     true,
		Pdeathsig:  syscall.SIGKILL,
	}
	if !p.Shares(setup.UserNS) {
		a.Cloneflags |= syscall.CLONE_VM | syscall.CLONE_VFORK
		for c := range setup.CapabilityNames() {
			a.AmbientCaps = append(a.AmbientCaps, uintptr(c))
		}
	}
	return a
}

func cloneError(p *setup.Plan, err error) error {
	e := setup.Fail("clone", "", err).(*setup.Error)
	if e.Hint != "" {
		return e
	}
	switch e.Errno {
	case unix.EPERM, unix.EACCES:
		e.Hint = "this system may forbid user namespaces to ordinary users: see sysctl kernel.unprivileged_userns_clone and kernel.apparmor_restrict_unprivileged_userns"
		if p.Shares(setup.UserNS) {
			e.Hint = "a jail without a user namespace needs root"
		}
	case unix.ENOSPC, unix.EUSERS:
		e.Hint = "the limit of namespaces is reached: see the sysctls user.max_*_namespaces"
	case unix.EINVAL:
		e.Hint = "this kernel lacks a kind of namespace; jails need Linux 5.14"
	}
	return e
}

// openInit opens jailinit once; it is executed by this descriptor.
func openInit(path string) (int, error) {
	candidates := []string{path}
	if path == "" {
		self, err := os.Executable()
		if err != nil {
			return -1, setup.Fail("jailinit", "", err)
		}
		dir := filepath.Dir(self)
		candidates = []string{dir + "/jailinit", filepath.Dir(dir) + "/libexec/jailspawn/jailinit"}
	}
	var first error
	for _, c := range candidates {
		fd, err := unix.Open(c, unix.O_PATH|unix.O_CLOEXEC, 0)
		if err == nil {
			return fd, nil
		}
		if first == nil {
			e := setup.Fail("jailinit", c, err).(*setup.Error)
			e.Hint = "install jailinit beside jailspawn, or in ../libexec/jailspawn"
			first = e
		}
	}
	return -1, first
}
