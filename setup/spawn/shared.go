package spawn

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/spawn/cgroup"
	"github.com/jailspawn/jailspawn/setup/spawn/will"
)

// A jail that shares the PID namespace has no process 1 with which the kernel
// would end all others. They are held together by a cgroup, and ended by it:
//
//   - when jailinit ends, however it does, by this process;
//   - when this process is killed, by its will; jailinit ends by its parent-death
//     signal;
//   - when the executor of the will is killed, by this process.
//
// So two of the three would have to be killed at once, before the third has
// seen it. What they then leave is ended by the next jailspawn that makes or
// sweeps a cgroup.
type shared struct {
	group *cgroup.Group
	kill  int // cgroup.kill
	init  int // pid of jailinit
	will  *will.Will
	left  atomic.Bool   // the payload is gone
	over  atomic.Bool   // so is the jail, and the will is revoked
	bare  atomic.Bool   // the executor is gone before that
	gone  chan struct{} // closed when over
	grace time.Duration
	all   bool // wait for what the payload leaves
}

// holdTogether is for the jail of p, which is not yet cloned. It is nil if the
// jail has a PID namespace of its own.
func holdTogether(p *setup.Plan, g *cgroup.Group) (*shared, error) {
	if !p.Shares(setup.PIDNS) {
		return nil, nil
	}
	kill, err := g.Kill()
	var w *will.Will
	if err == nil {
		if w, err = will.Leave(-1, kill); err != nil {
			unix.Close(kill)
		}
	}
	if err != nil {
		e := setup.Fail("cgroup", "", err).(*setup.Error)
		e.Detail, e.Hint = "a jail that shares the PID namespace is ended by its cgroup", "mount cgroup version 2, or leave out --share pid"
		return nil, e
	}
	return &shared{
		group: g, kill: kill, will: w, gone: make(chan struct{}),
		grace: milliseconds(uint64(p.Life.Grace)), all: p.Life.WaitAll,
	}, nil
}

// watch ends the jail when nobody would end it any more if this process were
// killed.
func (s *shared) watch(init int) {
	if s == nil {
		return
	}
	s.init = init
	go func() {
		s.will.Gone()
		if !s.over.Load() {
			s.bare.Store(true)
			s.end()
		}
	}()
}

func (s *shared) end() { _, _ = unix.Write(s.kill, []byte{'1'}) }

// payloadGone sees off what the payload left behind, as process 1 would: it
// waits for the processes, which are its children, and ends then.
func (s *shared) payloadGone() {
	if s == nil {
		return
	}
	s.left.Store(true)
	if s.all || s.grace == 0 {
		return
	}
	s.group.Signal(unix.SIGTERM, s.init)
	s.group.Signal(unix.SIGCONT, s.init)
	go func() {
		select {
		case <-s.gone:
		case <-time.After(s.grace):
			s.end()
		}
	}()
}

// signal sends a signal to what the payload left behind, and reports whether
// there is no payload to send it to.
func (s *shared) signal(sig unix.Signal) bool {
	if s == nil || !s.left.Load() {
		return false
	}
	s.group.Signal(sig, s.init)
	return true
}

// initGone ends what is left; jailinit has ended and was waited for. The error
// tells if that was because the jail was no longer held together.
func (s *shared) initGone() error {
	if s == nil {
		return nil
	}
	s.end()
	s.group.Empty(12)
	s.close()
	if s.bare.Load() {
		return &setup.Error{Step: "cgroup", Detail: "the jail-will process of this jail was killed, so the jail was ended", Hint: "leave it alone"}
	}
	return nil
}

// close revokes the will.
func (s *shared) close() {
	if s == nil {
		return
	}
	s.over.Store(true)
	close(s.gone)
	s.will.Revoke()
	unix.Close(s.kill)
}
