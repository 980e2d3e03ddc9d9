package main

import (
	"math"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/spawn"
	"github.com/jailspawn/jailspawn/setup/spawn/catch"
	"github.com/jailspawn/jailspawn/setup/spawn/named"
)

// execInJail is the verb exec. The process starts with the environment of the
// payload, in its working directory; what the caller has of TERM, LANG and so
// on, and --env, stand above it.
func execInJail(dir *named.Dir, args []string) (int, error) {
	v := newNamedVerb("exec", 2, math.MaxInt, "the name of a jail, and a command")
	v.SetInterspersed(false)
	env := v.StringArray("env", nil, "")
	cwd := v.String("chdir", "", "")
	terminal := v.BoolP("tty", "t", false, "")
	if err := v.parse(args); err != nil {
		return 0, err
	}
	command := v.Args()[1:]
	if command[0] == "--" {
		command = command[1:]
	}
	if len(command) == 0 {
		return 0, usage("exec: no command given", "jailspawn exec NAME -- CMD")
	}
	j, err := dir.Find(v.Arg(0))
	if err != nil {
		return 0, err
	}
	defer j.Close()
	x := &named.Exec{Argv: command, Cwd: *cwd, Terminal: setup.TerminalAuto}
	if *terminal {
		x.Terminal = setup.TerminalAlways
	}
	if x.Env, err = override(j.Plan.Process.Env, *env, false); err != nil {
		return 0, err
	}
	if x.Cwd == "" {
		x.Cwd = j.Plan.Process.Cwd
	}
	signals, err := catch.Start(forwarded())
	if err != nil {
		return 0, setup.Fail("signals", "", err)
	}
	defer signals.Stop()
	x.Signals = signals.FD()
	status, err := j.Exec(x)
	if err != nil {
		return 0, err
	}
	return spawn.ExitStatus(status), nil
}
