package spawn

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/rawfile"
	"github.com/jailspawn/jailspawn/setup/schedule"
)

// What jailinit is given by the host half, while it waits for its plan or
// before: rights that no user namespace gives.

// equip does what can be done to the running jailinit alone.
func (j *Jail) equip(p *setup.Plan) error {
	if err := j.keepRunning(p); err != nil {
		return err
	}
	for _, l := range p.Process.Rlimits {
		if err := j.raise(l); err != nil {
			return err
		}
	}
	if adj := p.Process.Schedule.OOMScoreAdj; adj != nil {
		return j.setOOMScore(*adj)
	}
	return nil
}

// raise lifts a hard limit that is below the plan's (prlimit(2)). jailinit has
// those of this process.
func (j *Jail) raise(l setup.Rlimit) error {
	var now unix.Rlimit
	resource := setup.RlimitNumber(l.Resource)
	if err := unix.Getrlimit(resource, &now); err != nil {
		return setup.Fail("rlimit", l.Resource, err)
	}
	if l.Hard <= now.Max {
		return nil
	}
	now.Max = l.Hard
	if err := unix.Prlimit(j.pid, resource, &now, nil); err != nil {
		e := setup.Fail("rlimit", l.Resource, err).(*setup.Error)
		e.Detail = "the hard limit is above the caller's"
		e.Hint = "stay at or below what ulimit -H says; more needs CAP_SYS_RESOURCE on the host"
		return e
	}
	return nil
}

// setOOMScore gives jailinit a score that is lower than the caller's; a higher
// one it gives to the payload alone, so that it doesn't end first.
func (j *Jail) setOOMScore(adj int) error {
	value := strconv.Itoa(adj)
	own, err := rawfile.Read("/proc/self/oom_score_adj")
	if err != nil {
		return setup.Fail("schedule", "oom_score_adj", err)
	}
	if now, err := strconv.Atoi(strings.TrimSpace(string(own))); err == nil && now <= adj {
		return nil
	}
	err = os.WriteFile("/proc/"+strconv.Itoa(j.pid)+"/oom_score_adj", []byte(value), 0)
	if err == nil {
		return nil
	}
	e := setup.Fail("schedule", "oom_score_adj", err).(*setup.Error)
	e.Detail = value
	if e.Errno == unix.EACCES {
		e.Hint = "less than the caller has needs CAP_SYS_RESOURCE on the host"
	}
	return e
}

// aboveCaller returns what elevate has to give, if there is anything.
func aboveCaller(s *setup.Schedule) (wanted setup.Schedule, any bool) {
	wanted = schedule.Privileged(s)
	return wanted, wanted.Policy != "" || wanted.Nice != nil || wanted.IOClass != ""
}

// elevate gives this thread what jailinit is to inherit from it and can't take
// by itself. undo puts back what the thread had.
func elevate(s *setup.Schedule) (undo func(), err error) {
	undo = func() {}
	wanted, any := aboveCaller(s)
	if !any {
		return undo, nil
	}
	before, err := schedule.Now()
	if err != nil {
		return undo, err
	}
	undo = func() { _ = schedule.Apply(&before) } // going down takes no right
	return undo, schedule.Apply(&wanted)
}

// Rlimits completes a list of limits to all sixteen, in the kernel's order.
// Those that are not in it get the values that the kernel gives to the first
// process, so that what the caller of jailspawn lowered or raised for himself
// makes no difference; no limit is above the caller's hard one.
func Rlimits(given []setup.Rlimit) ([]setup.Rlimit, error) {
	if len(given) == len(setup.RlimitNames()) {
		return given, nil
	}
	all := make([]setup.Rlimit, 0, len(setup.RlimitNames()))
	for n, name := range setup.RlimitNames() {
		var now unix.Rlimit
		if err := unix.Getrlimit(n, &now); err != nil {
			return nil, setup.Fail("rlimit", name, err)
		}
		limit := setup.DefaultRlimit(name, now.Max)
		for _, g := range given {
			if g.Resource == name {
				limit = g
			}
		}
		all = append(all, limit)
	}
	return all, nil
}

// checkLabels refuses labels of security modules that this kernel doesn't have
// or doesn't use.
func checkLabels(l *setup.Labels) error {
	for _, want := range []struct {
		label, module, hint string
		active              func() bool
	}{
		{l.SELinux, "SELinux", "leave out --selinux-label, or boot with lsm=...,selinux and a policy", selinux},
		{l.Mount, "SELinux", "leave out --mount-context, or boot with lsm=...,selinux and a policy", selinux},
		{l.AppArmor, "AppArmor", "leave out --apparmor-profile, or boot with lsm=...,apparmor", apparmor},
	} {
		if want.label != "" && !want.active() {
			return &setup.Error{Step: "label", Target: want.label, Detail: want.module + " is not active on this system", Errno: unix.EOPNOTSUPP, Hint: want.hint}
		}
	}
	return nil
}

// selinux reports whether SELinux is active: only then is its file system
// registered.
func selinux() bool {
	data, err := rawfile.Read("/proc/filesystems")
	return err == nil && strings.Contains(string(data), "\tselinuxfs\n")
}

func apparmor() bool {
	data, err := rawfile.Read("/sys/module/apparmor/parameters/enabled")
	return err == nil && strings.TrimSpace(string(data)) == "Y"
}
