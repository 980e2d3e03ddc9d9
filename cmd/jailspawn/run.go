package main

import (
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/pflag"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/check"
	"github.com/jailspawn/jailspawn/setup/planfile"
	"github.com/jailspawn/jailspawn/setup/pty"
	"github.com/jailspawn/jailspawn/setup/spawn"
	"github.com/jailspawn/jailspawn/setup/spawn/catch"
	"github.com/jailspawn/jailspawn/setup/spawn/early"
	"github.com/jailspawn/jailspawn/setup/spawn/tty"
)

// runJail is the verb run.
func runJail(args []string) (int, error) { return run(args, nil) }

// run runs a jail; supervised, if not nil, is what a detached one needs beside.
func run(args []string, supervised func(*options, *spawn.Options)) (int, error) {
	o := new(options)
	command, given, err := o.parse("run", args)
	if errors.Is(err, pflag.ErrHelp) {
		return printHelp([]string{"run"})
	}
	if err == nil && o.detach && supervised == nil {
		return detach(args)
	}
	var p *setup.Plan
	if err == nil {
		p, err = o.checkedPlan(command, given)
		err = o.blame("run", args, err)
	}
	var j *spawn.Jail
	if err == nil {
		j, err = o.start(p, supervised)
	}
	if err != nil {
		o.reportError(err)
		return 0, err
	}
	return o.end(j)
}

// start starts the jail.
func (o *options) start(p *setup.Plan, supervised func(*options, *spawn.Options)) (*spawn.Jail, error) {
	if err := o.watchOptions.check(p); err != nil {
		return nil, err
	}
	if err := checkDescriptors(p); err != nil {
		return nil, err
	}
	so := spawn.Options{Catch: o.catch, LetGo: true, Note: note, Early: early.Started()}
	if err := o.fill(&so); err != nil {
		return nil, err
	}
	if supervised != nil {
		supervised(o, &so)
	}
	return spawn.Start(p, so)
}

// end waits for the jail, and tells how it ended.
func (o *watchOptions) end(j *spawn.Jail) (int, error) {
	status, err := j.Wait()
	tellUsage(j.Plan(), j.Usage())
	code := setup.ExitStatus(err)
	if err == nil {
		code = exitCode(j.Plan(), status)
	}
	// A payload whose time was over has ended; that is no error.
	if err == nil || code == setup.StatusTimeout {
		o.reportExit(status, code, j.Usage())
	} else {
		o.reportError(err)
	}
	if err == nil && status.Signaled() && status.Signal() == syscall.SIGINT && tty.Foreground(0) {
		o.interrupt()
	}
	return code, err
}

// catch begins to catch the signals that are for the payload.
func (o *watchOptions) catch() (int, error) {
	s, err := catch.Start(forwarded())
	if err != nil {
		return 0, setup.Fail("signals", "", err)
	}
	o.signals = s
	return s.FD(), nil
}

// exitCode is the exit status that tells of the payload's end; some count as
// success if the plan says so.
func exitCode(p *setup.Plan, status syscall.WaitStatus) int {
	code := spawn.ExitStatus(status)
	if p.Life.OK(code) {
		return 0
	}
	return code
}

// interrupt ends this process by SIGINT, as it ended the payload. A shell at
// the terminal then knows that the user wants its loop to end as well.
func (o *watchOptions) interrupt() {
	if o.signals != nil {
		o.signals.Stop()
	}
	spawn.Raise(syscall.SIGINT)
}

// forwarded lists what is passed on to the payload: every signal that can be
// caught, but for SIGCHLD, which is about our own child, SIGURG, which the Go
// runtime sends to itself, and those that the caller has us ignore (nohup).
// Where there is a terminal, its SIGTTIN and SIGTTOU stop jailspawn as they stop
// any program.
func forwarded() []syscall.Signal {
	interactive := pty.IsTerminal(0) || pty.IsTerminal(1) || pty.IsTerminal(2)
	list := make([]syscall.Signal, 0, 64)
	for s := syscall.Signal(1); s <= 64; s++ {
		switch s {
		case syscall.SIGKILL, syscall.SIGSTOP, syscall.SIGCHLD, syscall.SIGURG:
			continue
		case syscall.SIGTTIN, syscall.SIGTTOU:
			if interactive {
				continue
			}
		}
		if !signal.Ignored(s) {
			list = append(list, s)
		}
	}
	return list
}

// printPlan is the verb plan.
func printPlan(args []string) (int, error) {
	o := new(options)
	command, given, err := o.parse("plan", args)
	if errors.Is(err, pflag.ErrHelp) {
		return printHelp([]string{"plan"})
	}
	if err != nil {
		return 0, err
	}
	if o.explain {
		return 0, o.explainPlan("plan", args, command, given)
	}
	p, err := o.checkedPlan(command, given)
	if err != nil {
		return 0, o.blame("plan", args, err)
	}
	if p.IDs.KeptGroups, err = spawn.KeptGroups(p); err != nil {
		return 0, err
	}
	return 0, planfile.Write(os.Stdout, p)
}

// checkedPlan builds or reads the plan.
func (o *options) checkedPlan(command []string, given int) (p *setup.Plan, err error) {
	if o.plan != "" {
		p, err = readPlan(o.plan, command, given)
	} else {
		p, err = o.build(command)
	}
	if err != nil {
		return nil, err
	}
	return p, check.Plan(p)
}

// readPlan reads a whole plan; a plan has no defaults, so nothing goes with it
// but how jailspawn watches it.
func readPlan(file string, command []string, given int) (*setup.Plan, error) {
	if len(command) > 0 || given > 1 {
		return nil, usage("--plan stands alone", "the plan says it all; edit it instead")
	}
	var r io.Reader = os.Stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, setup.Fail("plan", file, err)
		}
		defer f.Close()
		r = f
	}
	return planfile.Read(r)
}
