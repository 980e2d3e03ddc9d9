package tests

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// stopper stops all processes that appear in its jail, for two seconds.
const stopper = `
import os, signal, time
end = time.time() + 2
print("begun", flush=True)
while time.time() < end:
    try: os.kill(-1, signal.SIGSTOP)
    except OSError: pass
`

// A payload that stops what exec starts, before it is started, hangs neither
// the jail nor exec.
func TestPayloadStopsExec(t *testing.T) {
	for name, flags := range map[string][]string{"plain": nil, "second stage": {"--cap-add", "sys_admin"}} {
		t.Run(name, func(t *testing.T) {
			for range 3 {
				y := newYard(t)
				run := startStopper(t, y, flags)
				x := y.cmd("exec", "stopper", "--", "true")
				if err := x.Start(); err != nil {
					t.Fatal(err)
				}
				if end := finish(run); end != "" {
					t.Fatal(end)
				}
				if end := finish(x); end == "hangs" {
					t.Fatal("exec hangs")
				}
				y.empty()
			}
		})
	}
}

func TestExecGivenUpBeforeItBegins(t *testing.T) {
	for range 5 {
		y := newYard(t)
		run := startStopper(t, y, []string{"--cap-add", "sys_admin"})
		x := y.cmd("exec", "stopper", "--", "true")
		if err := x.Start(); err != nil {
			t.Fatal(err)
		}
		over := make(chan error, 1)
		go func() { over <- x.Wait() }()
		for waiting := true; waiting; {
			select {
			case <-over:
				waiting = false
			case <-time.After(200 * time.Millisecond):
				_ = x.Process.Signal(syscall.SIGINT)
			}
		}
		if end := finish(run); end != "" {
			t.Fatal(end)
		}
		if x.ProcessState.ExitCode() == 130 {
			return
		}
		t.Log("not stopped in time: ", x.ProcessState)
	}
	t.Error("a signal to exec doesn't end it before its process begins")
}

// startStopper returns when it has begun.
func startStopper(t *testing.T, y *yard, flags []string) *exec.Cmd {
	args := append([]string{"run", "--name", "stopper"}, flags...)
	run := y.cmd(append(args, "--", "python3", "-c", stopper)...)
	out, err := run.StdoutPipe()
	if err == nil {
		err = run.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	line := make([]byte, len("begun"))
	if _, err := out.Read(line); err != nil || !strings.HasPrefix(string(line), "begun") {
		t.Fatal(string(line), err)
	}
	return run
}

// Where the payload may put a pipe without a writer in the place of /dev/tty,
// the end of the jail doesn't wait for one.
func TestEndBesidePipeAtTerminal(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root makes a terminal among those of the host, in a /dev that the payload can write to")
	}
	c := jail(t, "--tty", "always", "--map", "identity", "--dev", "/d", "--tmpfs", "/dev", "--dev-bind", "/dev/pts",
		"--", "sh", "-c", "mkfifo /dev/tty && exit 7")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if end := finish(c); end != "status 7" {
		t.Error(end)
	}
}
