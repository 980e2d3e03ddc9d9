// Since Go 1.25 the runtime keeps cgroup files of the host open for life,
// unless it is told not to look at them.
//go:debug containermaxprocs=0
//go:debug updatemaxprocs=0

// Command jailspawn runs commands in jails.
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/hashicorp/go-multierror"
	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/spawn/early"
	"github.com/jailspawn/jailspawn/setup/spawn/named"
)

// A jail dies with the thread that cloned it. The first never ends; where it has
// not cloned a jail early, main stays on it. Its children are to have the timers
// of any other thread (see package early).
func init() {
	if early.Started() == nil {
		runtime.LockOSThread() // which costs a thread
	}
	_, _, _ = unix.RawSyscall(unix.SYS_PRCTL, unix.PR_SET_TIMERSLACK, 0, 0)
}

// A verb is one way into the program. It returns the exit status.
type verb struct {
	name string
	run  func(args []string) (int, error)
}

func verbs() []verb {
	return []verb{
		{"run", runJail},
		{"plan", printPlan},
		onJails("ls", listJails),
		onJail("ps", nil, listProcesses),
		onJails("exec", execInJail),
		killVerb(),
		stopVerb(),
		onJail("wait", nil, waitForJail),
		onJail("pause", nil, func(j *named.Jail) (int, error) { return 0, j.Pause() }),
		onJail("resume", nil, func(j *named.Jail) (int, error) { return 0, j.Resume() }),
		logsVerb(),
		onJail("inspect", nil, inspectJail),
		{"prune", pruneJails},
		{"seccomp", printPolicy},
		upVerb(),
		downVerb(),
		{"preset", printPreset},
		{"completion", printCompletion},
		{"version", printVersion},
		{"help", printHelp},
	}
}

func main() {
	status, err := dispatch(os.Args[1:])
	early.Started().Drop() // if nobody took it
	if err != nil {
		status = explain(err)
	}
	os.Exit(status)
}

func dispatch(args []string) (int, error) {
	if len(args) == 0 {
		return 0, usage("no command given", "jailspawn run -- CMD; see jailspawn --help")
	}
	switch args[0] {
	case "--":
		return runJail(args)
	case superviseVerb:
		return supervise(args[1:])
	case finishVerb:
		return finish(args[1:])
	case "-h", "--help":
		return printHelp(nil)
	case "--version":
		return printVersion(nil)
	}
	names := make([]string, 0, 4)
	for _, v := range verbs() {
		if v.name == args[0] {
			return v.run(args[1:])
		}
		names = append(names, v.name)
	}
	if near := setup.Nearest(args[0], names); near != "" {
		return 0, usage("unknown verb "+args[0], "did you mean "+near+"?")
	}
	return 0, usage("unknown verb "+args[0], "jailspawn run -- "+args[0]+" runs it in a jail")
}

func printVersion(args []string) (int, error) {
	if len(args) > 0 {
		return 0, usage("version takes no argument", "")
	}
	fmt.Println("jailspawn", setup.Build, "plan version", setup.Version)
	return 0, nil
}

// usage is an error in the words of the command line.
func usage(detail, hint string) error {
	return &setup.Error{Step: "usage", Detail: detail, Hint: hint, Status: setup.StatusMisuse}
}

// explain prints one line for each thing that is wrong, and returns the exit
// status.
func explain(err error) int {
	all := problems(err)
	for _, p := range all {
		fmt.Fprintln(os.Stderr, "jailspawn: "+strings.ReplaceAll(p.Error(), "\n", " "))
	}
	return setup.ExitStatus(all[0])
}

// problems lists what an error is made of.
func problems(err error) []error {
	if err == nil {
		return nil
	}
	var several *multierror.Error
	if errors.As(err, &several) {
		return several.Errors
	}
	return []error{err}
}
