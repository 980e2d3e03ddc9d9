// Package hook runs the commands that a plan wants run on the host at the start
// and end of its jail. They have the rights of the caller; nothing from inside
// the jail reaches them.
package hook

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/kballard/go-shellquote"

	"github.com/jailspawn/jailspawn/setup"
)

// A Point is when a hook runs.
type Point string

// The points, as the flags name them.
const (
	PreStart  Point = "pre-start"
	PostStart Point = "post-start"
	PostStop  Point = "post-stop"
)

const defaultTimeout = 30 * time.Second

// Run runs the hooks of one point in order, up to the first that fails. Their
// environment is the caller's and JAIL_HOOK (the point), JAIL_NAME,
// JAIL_COMMAND (quoted for a shell), JAIL_ROOT, JAIL_HOSTNAME; JAIL_PID, the
// host's pid of process 1, if pid is not 0; and what more says. Their output
// goes to standard error; they have no input.
func Run(at Point, p *setup.Plan, pid int, more ...string) error {
	hooks := map[Point][][]string{PreStart: p.Hooks.PreStart, PostStart: p.Hooks.PostStart, PostStop: p.Hooks.PostStop}[at]
	if len(hooks) == 0 {
		return nil
	}
	env := append(os.Environ(),
		"JAIL_HOOK="+string(at), "JAIL_NAME="+p.Name, "JAIL_COMMAND="+shellquote.Join(p.Process.Argv...),
		"JAIL_ROOT="+p.Root.Source, "JAIL_HOSTNAME="+p.Hostname)
	if pid != 0 {
		env = append(env, "JAIL_PID="+strconv.Itoa(pid))
	}
	env = append(env, more...)
	for _, words := range hooks {
		if err := run(words, env, p.Hooks.Timeout); err != nil {
			return hookError(at, words, err)
		}
	}
	return nil
}

// run runs one hook; with its process group it is killed when its time is over.
func run(words, env []string, milliseconds uint32) error {
	limit := time.Duration(milliseconds) * time.Millisecond
	if limit == 0 {
		limit = defaultTimeout
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, os.Stderr, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	err := cmd.Run()
	if ctx.Err() != nil {
		return &setup.Error{Detail: "took longer than " + limit.String(), Hint: "see --hook-timeout"}
	}
	return err
}

func hookError(at Point, words []string, err error) error {
	e := setup.Fail("", "", err).(*setup.Error)
	e.Step, e.Target = string(at), shellquote.Join(words...)
	e.Detail = strings.TrimPrefix(e.Detail, "exec: ")
	return e
}
