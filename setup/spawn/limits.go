package spawn

import (
	"errors"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/spawn/address"
	"github.com/jailspawn/jailspawn/setup/spawn/cgroup"
)

// newGroup makes the jail's cgroup, if the plan wants one, and holds it to the
// jail's addresses before anything is in it.
func newGroup(p *setup.Plan) (*cgroup.Group, error) {
	confined := len(p.Network.Confine) > 0
	if confined && unix.Geteuid() != 0 {
		return nil, &setup.Error{Step: "network", Detail: "a jail by address needs the host's root", Errno: unix.EPERM, Hint: "use --net user, or --net veth in a network namespace of your own"}
	}
	p.Resources.Cgroup = p.Resources.Cgroup || confined || p.Shares(setup.PIDNS)
	if !p.Resources.WantsCgroup() {
		return nil, nil
	}
	g, err := cgroup.New(&p.Resources)
	var e *setup.Error
	if p.Shares(setup.PIDNS) && errors.As(err, &e) && e.Detail == "" {
		e.Detail = "a jail that shares the PID namespace is ended by its cgroup"
	}
	if err != nil || !confined {
		return g, err
	}
	if err := confine(g, p.Network.Confine); err != nil {
		_ = g.Remove()
		return nil, err
	}
	return g, nil
}

// confine holds the processes of a cgroup to addresses.
func confine(g *cgroup.Group, addresses []string) error {
	var list []netip.Addr
	for _, text := range addresses {
		a, err := netip.ParseAddr(text)
		if err == nil {
			err = address.Present(a)
		}
		if err != nil {
			return setup.Fail("network", text, err)
		}
		list = append(list, a)
	}
	if g.FD() < 0 {
		return &setup.Error{Step: "network", Detail: "a jail by address needs cgroup version 2", Hint: "mount it: mount -t cgroup2 cgroup2 DIR"}
	}
	return address.Confine(g.FD(), list)
}

// Usage returns what the jail has used. It is complete when [Jail.Wait] has
// returned; without a cgroup the times are those of processes that were waited
// for.
func (j *Jail) Usage() cgroup.Usage { return j.usage }

// measure reads the usage before the cgroup is removed.
func (j *Jail) measure() {
	j.usage = cgroup.Usage{
		Wall:           time.Since(j.begin),
		User:           time.Duration(j.rusage.Utime.Nano()),
		System:         time.Duration(j.rusage.Stime.Nano()),
		LargestProcess: uint64(j.rusage.Maxrss) * 1024,
	}
	j.group.Read(&j.usage)
}

// A timeLimit ends the payload when its time is over.
type timeLimit struct {
	jail  *Jail
	limit *setup.Resources
	grace time.Duration
	pidfd int
	gone  chan struct{} // closed when the jail is gone
	over  chan error    // one value: what was exceeded, or nil
}

// limitTime starts the clocks that the plan asks for, if any.
func (j *Jail) limitTime(p *setup.Plan) {
	r := &p.Resources
	if r.Timeout == 0 && r.CPUTime == 0 {
		return
	}
	l := &timeLimit{jail: j, limit: r, grace: milliseconds(uint64(p.Life.Grace)), gone: make(chan struct{}), over: make(chan error, 1)}
	l.pidfd, _ = unix.PidfdOpen(j.pid, 0) // our child, not yet waited for: it exists
	go func() { l.over <- l.run() }()
	j.limit = l
}

// end stops the clocks and returns an error if one of them ended the payload.
func (l *timeLimit) end() error {
	if l == nil {
		return nil
	}
	close(l.gone)
	err := <-l.over
	closeFD(l.pidfd)
	return err
}

// run waits for the first clock, then asks the payload to end, then ends it.
func (l *timeLimit) run() error {
	var wall, cpu <-chan time.Time
	if l.limit.Timeout != 0 {
		wall = time.After(milliseconds(l.limit.Timeout))
	}
	if l.limit.CPUTime != 0 {
		cpu = time.After(0)
	}
	for {
		select {
		case <-l.gone:
			return nil
		case <-wall:
			return l.exceeded("timeout", l.limit.Timeout)
		case <-cpu:
			left := milliseconds(l.limit.CPUTime) - l.jail.group.CPUTime()
			if left <= 0 {
				return l.exceeded("cpu time", l.limit.CPUTime)
			}
			// With all processors busy it can't be over before.
			cpu = time.After(max(left/time.Duration(processors()), 5*time.Millisecond))
		}
	}
}

func (l *timeLimit) exceeded(what string, limit uint64) error {
	how := "the payload ended"
	if l.grace > 0 {
		l.jail.Signal(unix.SIGTERM)
	}
	select {
	case <-l.gone:
	case <-time.After(l.grace):
		_ = unix.PidfdSendSignal(l.pidfd, unix.SIGKILL, nil, 0)
		how = "the jail was killed"
	}
	return &setup.Error{
		Step:   strings.ReplaceAll(what, " ", "-"),
		Detail: milliseconds(limit).String() + " are over, " + how,
		Status: setup.StatusTimeout,
	}
}

func milliseconds(n uint64) time.Duration { return time.Duration(n) * time.Millisecond }

// processors is how many of them the jail could use at once.
func processors() int {
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) != nil {
		return 1
	}
	return max(set.Count(), 1)
}
