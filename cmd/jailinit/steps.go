package main

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/mounts"
	"github.com/jailspawn/jailspawn/netup"
	"github.com/jailspawn/jailspawn/reap"
	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/confine"
	"github.com/jailspawn/jailspawn/setup/schedule"
)

// A jail is what the steps work on.
type jail struct {
	plan      *setup.Plan
	prepared  []int // detached mounts from jailspawn, by the order of the plan's prepared sources
	tree      *mounts.Tree
	limited   bool                      // no user namespace can be made in the jail
	self      int                       // jailinit's own file, for the second stage
	kept      bool                      // jailspawn has put something into the places to be kept
	early     [][reap.SignalLength]byte // signals that came before the payload ran
	settings  int                       // directory of the sysctls, if the plan sets any
	inhabited bool                      // the payload runs, so that others than process 1 act in the jail
	score     *schedule.Score           // what the payload has when memory is short, if more than this process
}

// steps is the story of a jail up to its payload. Each step does one thing and
// none calls another. Namespaces exist before the first; what is irrevocable
// for the payload comes in [jail.startPayload].
var steps = []func(*jail) error{
	(*jail).name,
	(*jail).readPlan,
	(*jail).dieWithJailspawn,
	(*jail).adopt,
	(*jail).dropInherited,
	(*jail).openNetwork,
	(*jail).receiveMounts,
	(*jail).openSelf,
	(*jail).openSettings,
	(*jail).isolateMounts,
	(*jail).makeRoot,
	(*jail).makeMounts,
	(*jail).limitUserns,
	(*jail).sealRoot,
	(*jail).pivot,
	(*jail).network,
	(*jail).names,
	(*jail).terminal,
	(*jail).notifySocket,
	(*jail).hide,
}

// name says who this is to ps(1): having been executed by descriptor, the
// process would be called by the descriptor's number.
func (j *jail) name() error {
	comm := [...]byte{'j', 'a', 'i', 'l', 'i', 'n', 'i', 't', 0}
	_, _, errno := unix.RawSyscall(unix.SYS_PRCTL, unix.PR_SET_NAME, uintptr(unsafe.Pointer(&comm)), 0)
	if errno != 0 {
		return setup.Fail("name", "", errno)
	}
	return nil
}

func (j *jail) readPlan() error {
	data, err := readAll(setup.PlanFD)
	if err != nil {
		return setup.Fail("plan", "", err)
	}
	j.plan, err = setup.Decode(data)
	return err
}

// dieWithJailspawn asks for SIGKILL when the thread that cloned this process
// ends (PR_SET_PDEATHSIG), anew because execve(2) with capabilities clears it.
// Had jailspawn died before, the control socket would show it.
func (j *jail) dieWithJailspawn() error {
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return setup.Fail("parent-death signal", "", err)
	}
	poll := []unix.PollFd{{Fd: setup.ControlFD, Events: unix.POLLRDHUP}}
	if n, err := unix.Poll(poll, 0); err == nil && n > 0 && poll[0].Revents&(unix.POLLHUP|unix.POLLRDHUP) != 0 {
		return &setup.Error{Step: "parent-death signal", Detail: "jailspawn is gone"}
	}
	return nil
}

// adopt makes orphans the children of this process, which they are of process 1
// in any case (PR_SET_CHILD_SUBREAPER of prctl(2), Linux 3.4).
func (j *jail) adopt() error {
	if !j.plan.Shares(setup.PIDNS) {
		return nil
	}
	return setup.Fail("subreaper", "", unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
}

// dropInherited closes the descriptors that neither the contract nor the plan
// knows, and forgets the caller's umask.
func (j *jail) dropInherited() error {
	end := j.plan.ListenFD()
	if j.plan.Name != "" {
		end++
	}
	if err := confine.Descriptors(end); err != nil {
		return err
	}
	for fd := setup.FirstPassedFD; fd < end; fd++ {
		unix.CloseOnExec(fd)
	}
	unix.Umask(0)
	return nil
}

// openNetwork lets jailspawn make the jail's interfaces, while this process goes
// on.
func (j *jail) openNetwork() error {
	if len(j.plan.Network.Interfaces) == 0 {
		return nil
	}
	fds, err := netup.Doors()
	if err != nil {
		return err
	}
	return send(setup.ControlDoors, fds...)
}

// openSettings comes while there is a writable proc in view.
func (j *jail) openSettings() (err error) {
	if j.score, err = schedule.OpenScore(j.plan.Process.Schedule.OOMScoreAdj); err != nil {
		return err
	}
	if len(j.plan.Network.Sysctls) > 0 {
		j.settings, err = netup.Settings()
	}
	return err
}

// isolateMounts is for a jail without a user namespace of its own. In any other
// the kernel has made all shared mounts slaves with the mount namespace, as it
// is less privileged (mount_namespaces(7)).
func (j *jail) isolateMounts() error {
	if !j.plan.Shares(setup.UserNS) {
		return nil
	}
	return mounts.Isolate()
}

func (j *jail) makeRoot() (err error) {
	r := &j.plan.Root
	source := j.source(r.Prepared)
	j.tree, err = mounts.New(r, source, j.source(r.Prepared && r.Upper != ""), j.plan.Process.Labels.Mount)
	return err
}

func (j *jail) makeMounts() error {
	for i := range j.plan.Mounts {
		if err := j.mount(&j.plan.Mounts[i]); err != nil {
			return err
		}
	}
	return nil
}

// limitUserns is for the jails without a proc in which it could be done.
func (j *jail) limitUserns() error {
	if j.plan.AllowUserns || j.plan.Shares(setup.UserNS) || j.limited {
		return nil
	}
	return mounts.LimitUserns(-1)
}

func (j *jail) mount(m *setup.Mount) error {
	switch m.Type {
	case setup.Bind, setup.Device:
		source := j.source(m.Prepared)
		if m.Prepared && source < 0 {
			return nil // optional, and jailspawn found no source
		}
		return j.tree.Bind(m, source)
	case setup.Tmpfs:
		return j.tree.Tmpfs(m)
	case setup.Proc:
		limit := !j.plan.AllowUserns && !j.plan.Shares(setup.UserNS) && !j.limited && !m.ReadOnly && m.Subset == ""
		j.limited = j.limited || limit
		return j.tree.Proc(m, limit, j.plan.NestsJails())
	case setup.Dev:
		return j.tree.Dev(m, j.hasTerminal())
	case setup.Dir:
		return j.tree.Dir(m)
	case setup.Symlink:
		return j.tree.Symlink(m)
	case setup.File:
		return j.tree.File(m)
	case setup.Mqueue:
		return j.tree.Mqueue(m)
	case setup.Sys:
		return j.tree.Sys(m)
	case setup.Mask:
		return j.tree.Mask(m)
	case setup.Protect:
		return j.tree.Protect(m)
	case setup.Keep:
		if err := j.awaitKept(); err != nil {
			return err
		}
		return j.tree.Keep(m)
	}
	return &setup.Error{Step: "mount", Target: m.Target, Detail: "unknown type " + string(m.Type)}
}

func (j *jail) sealRoot() error {
	r := &j.plan.Root
	return j.tree.Seal(!r.Writable && !r.Overlay)
}

func (j *jail) pivot() error { return j.tree.Pivot() }

// network waits for what jailspawn makes of it, which it began when this
// process was cloned.
func (j *jail) network() error {
	n := &j.plan.Network
	if !n.NoLoopback && n.Join == "" && !j.plan.Shares(setup.NetNS) {
		if err := netup.Loopback(); err != nil {
			return err
		}
	}
	if n.Rules != "" {
		if err := netup.Filter(n.Rules); err != nil {
			return err
		}
	}
	if n.Prepared() {
		if err := j.await(setup.ControlNetwork); err != nil {
			return err
		}
	}
	for _, s := range n.Sysctls {
		if err := netup.Sysctl(j.settings, s); err != nil {
			return err
		}
	}
	if len(n.Sysctls) > 0 {
		unix.Close(j.settings)
	}
	return nil
}

func (j *jail) names() error {
	if name := j.plan.Hostname; name != "" {
		if err := unix.Sethostname([]byte(name)); err != nil {
			return setup.Fail("hostname", name, err)
		}
	}
	if name := j.plan.Domainname; name != "" {
		if err := unix.Setdomainname([]byte(name)); err != nil {
			return setup.Fail("domainname", name, err)
		}
	}
	return nil
}

func (j *jail) hide() error { return confine.Hide() }
