// Package spawn starts jails. It is the library behind jailspawn: it checks a
// plan, clones jailinit into new namespaces, hands it the plan over a pipe and
// waits until the jail is gone.
//
// It runs on the host, as root or as an ordinary user. A jail never outlives
// the process that started it.
//
// jailinit works only for a program of its own build: a program that uses this
// package is linked with -ldflags "-X github.com/jailspawn/jailspawn/setup.Build=ID",
// where ID is the second word that "jailspawn version" prints.
package spawn

import (
	"errors"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/check"
	"github.com/jailspawn/jailspawn/setup/spawn/cgroup"
	"github.com/jailspawn/jailspawn/setup/spawn/early"
	"github.com/jailspawn/jailspawn/setup/spawn/hook"
	"github.com/jailspawn/jailspawn/setup/spawn/hostnet"
	"github.com/jailspawn/jailspawn/setup/spawn/keep"
	"github.com/jailspawn/jailspawn/setup/spawn/named"
	"github.com/jailspawn/jailspawn/setup/spawn/tty"
)

// Options is how a jail is started, beside its plan. The zero value is usable.
type Options struct {
	// Init is the path of jailinit. Empty: beside the running program, then in
	// ../libexec/jailspawn.
	Init string

	// Early, if not nil, is a jailinit that this program has started already.
	// Start takes it for the jail or ends it; only where it returns an error
	// before, the caller has to.
	Early *early.Init

	// Stdin, Stdout and Stderr are the payload's; nil means descriptors 0, 1
	// and 2 of this process.
	Stdin, Stdout, Stderr *os.File

	// Catch, if not nil, is called when the jail has been cloned, and before its
	// payload can run. Wait then reads from the descriptor that it returns, and
	// passes on to the payload each signal whose number comes as a byte; see
	// package catch. [Jail.Signal] is the other way to do so.
	Catch func() (int, error)

	// LetGo replaces descriptors 0 and 1 of this process, unless they are
	// terminals, when the payload has them. A pipe that the payload closes is
	// then closed.
	LetGo bool

	// Started, if not nil, is called by Wait when the payload runs its program.
	// An error ends the jail.
	Started func(*Jail) error

	// Report, if not nil, is called with the reports "started" and "ready"; see
	// [ExitReport] and [ErrorReports] for those of the end.
	Report func(*Report)

	// Note, if not nil, is called by Start with what the plan only tries and
	// this machine doesn't have, in one line each.
	Note func(string)

	// Log is the file that the payload's output goes to, for those who look a
	// named jail up. Empty: none.
	Log string
}

// A Jail was started by [Start] and is waited for by [Jail.Wait].
type Jail struct {
	pid      int
	plan     int        // write end of the plan pipe
	status   int        // read end of the status pipe
	pending  []byte     // what came through it and is no whole event yet
	control  int        // this end of the control socket, -1 when the jail is gone
	speaking sync.Mutex // held while it is closed, or used by those who may come later
	ids      int        // keeps the range of ids taken, or -1
	started  func(*Jail) error
	handing  error

	attachment   *hostnet.Attachment // the part of its network that is made here, or nil
	disconnected error               // why some of it could not be given back, if that was tried before the jail's end

	asked  *setup.Plan
	claim  *named.Claim // nil if the jail has no name
	report func(*Report)

	held     *keep.Held    // places of the host that are kept free, nil if none are
	group    *cgroup.Group // nil if the jail has no cgroup of its own
	together *shared       // nil if it has a PID namespace of its own
	limit    *timeLimit    // nil if its time is not limited
	begin    time.Time
	usage    cgroup.Usage
	rusage   unix.Rusage // of process 1 and those it waited for

	signals   int  // numbers of signals to pass on come from it; 0 if none do
	stopAsked bool // a signal that stops was passed on

	letGo     bool
	terminal  atomic.Pointer[tty.Terminal] // nil without
	notify    *notifier                    // nil without
	readyOnce sync.Once
}

// Start clones the jail that p describes and hands it its plan. What goes wrong
// from there on, and whether the payload starts, is told by [Jail.Wait], which
// has to be called. From Start to the end of Wait the calling goroutine is
// locked to its thread, as the kernel kills the jail when that thread ends.
//
// An error is a [setup.Error], or several in a multierror.Error if the plan
// itself is wrong; [setup.ExitStatus] tells the exit status for it. Nothing is
// left behind.
func Start(p *setup.Plan, o Options) (j *Jail, err error) {
	if o.Early == nil {
		runtime.LockOSThread()
	}
	defer func() {
		if err != nil {
			runtime.UnlockOSThread()
		}
	}()
	c, plan, ids, err := settle(p, &o)
	if err != nil {
		return nil, err
	}
	if j, err = build(plan, c, &o); err != nil {
		closeFD(ids)
		return nil, err
	}
	j.ids = ids
	j.handOver(plan, c, &o)
	return j, nil
}

// settle checks a plan and fills in what depends on the caller and on this
// machine. The descriptor keeps the range of ids taken; it is -1 if there is
// none.
func settle(p *setup.Plan, o *Options) (c *caller, plan *setup.Plan, ids int, err error) {
	if err := check.Plan(p); err != nil {
		return nil, nil, -1, err
	}
	if c, err = callerNow(); err != nil {
		return nil, nil, -1, err
	}
	if err := mayConfigure(&p.Network); err != nil {
		return nil, nil, -1, err
	}
	if hooks := hostnet.Hooks(&p.Network); hooks != 0 {
		o.Early.UseHooks(hooks)
	}
	if plan, ids, err = c.resolve(p); err != nil {
		return nil, nil, -1, err
	}
	plan.Process.Terminal = wantsTerminal(plan.Process.Terminal, o)
	if err := walls(plan, o.Note); err != nil {
		closeFD(ids)
		return nil, nil, -1, err
	}
	return c, plan, ids, nil
}

// build makes what the jail has on the host: its name, its cgroup and, last,
// its process 1, which waits for the plan. If something goes wrong nothing of
// it stays.
func build(plan *setup.Plan, c *caller, o *Options) (j *Jail, err error) {
	claim, err := takeName(plan)
	if err != nil {
		return nil, err
	}
	var group *cgroup.Group
	var together *shared
	defer func() {
		if err != nil {
			together.close()
			_ = group.Remove()
			removePIDFile(plan.Service.PIDFile)
			_ = hook.Run(hook.PostStop, plan, 0)
			claim.Remove()
		}
	}()
	if err := hook.Run(hook.PreStart, plan, 0); err != nil {
		return nil, err
	}
	if err := prepareService(&plan.Service); err != nil {
		return nil, err
	}
	if group, err = newGroup(plan); err != nil {
		return nil, err
	}
	if together, err = holdTogether(plan, group); err != nil {
		return nil, err
	}
	begin := time.Now()
	if j, err = clone(plan, c, o, claim, group); err != nil {
		return nil, err
	}
	j.begin, j.started, j.letGo = begin, o.Started, o.LetGo
	j.together = together
	together.watch(j.pid)
	return j, j.publish(plan, claim, o)
}

// handOver gives jailinit its plan, and what only the host can make for it. The
// plan goes first, so that jailinit works while the rest is prepared.
func (j *Jail) handOver(plan *setup.Plan, c *caller, o *Options) {
	j.limitTime(plan)
	j.handing = j.sendPlan(plan, o)
	if j.handing == nil {
		j.handing = j.sendMounts(plan, c)
	}
	if j.handing == nil {
		j.handing = j.holdPlaces(plan)
	}
	if j.handing == nil {
		j.handing = j.connect(&plan.Network)
	}
	if j.handing == nil {
		j.handing = j.receive(plan, o)
	}
	j.giveUp()
}

// Wait returns when the jail is gone, with the wait status of the payload. The
// goroutine that called [Start] calls it, once.
//
// The error is that of the step that went wrong, in jailinit or here.
func (j *Jail) Wait() (syscall.WaitStatus, error) {
	defer runtime.UnlockOSThread()
	status, err := j.wait()
	if bare := j.together.initGone(); bare != nil {
		status, err = 0, bare
	}
	j.endService()
	if exceeded := j.limit.end(); exceeded != nil {
		status, err = 0, exceeded
	}
	if j.handing != nil {
		err = j.handing // what jailinit says is but the consequence
	}
	if netErr := errors.Join(j.disconnected, j.disconnect()); err == nil {
		err = netErr
	}
	j.measure()
	if left := j.group.Remove(); left != nil {
		err = both(err, left)
	}
	if left := j.held.Release(); left != nil {
		err = both(err, left)
	}
	err = j.release(status, err)
	closeFD(j.ids)
	j.hangUp()
	return status, err
}

// Run starts a jail and waits until it is gone; see [Start] and [Jail.Wait].
func Run(p *setup.Plan, o Options) (syscall.WaitStatus, error) {
	j, err := Start(p, o)
	if err != nil {
		return 0, err
	}
	return j.Wait()
}

// PID returns the process id of jailinit in the caller's PID namespace. It is
// the jail's until Wait returns.
func (j *Jail) PID() int { return j.pid }

// hangUp closes the control socket, which others may be about to use.
func (j *Jail) hangUp() {
	j.speaking.Lock()
	defer j.speaking.Unlock()
	unix.Close(j.control)
	j.control = -1
}

func closeFD(fd int) {
	if fd >= 0 {
		unix.Close(fd)
	}
}
