package tests

import (
	"testing"
	"time"
)

// tracer attaches to every thread of process 1, which stops them, then ends or
// stays.
const tracer = `
import ctypes, os, sys, time
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long] * 4
for tid in os.listdir("/proc/1/task"):
    if libc.ptrace(16, int(tid), 0, 0) != 0: sys.exit("not attached: %d" % ctypes.get_errno())
print("attached", flush=True)
time.sleep(float(sys.argv[1]))
sys.exit(3)
`

// A payload that may trace process 1, and leaves it stopped, hangs nobody.
func TestPayloadStopsProcess1(t *testing.T) {
	for _, seccomp := range []string{"default", "none"} {
		c := jail(t, "--cap-add", "sys_ptrace", "--seccomp", seccomp, "--", "python3", "-c", tracer, "0")
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		if end := finish(c); end != "status 3" {
			t.Errorf("--seccomp %s: %s, want status 3", seccomp, end)
		}
	}
}

// Nor does one that keeps it stopped keep a jail from being ended from outside.
func TestPayloadKeepsProcess1Stopped(t *testing.T) {
	y := newYard(t)
	ask := func(how ...string) {
		c := y.cmd("run", "--name", "s", "--cap-add", "sys_ptrace", "--timeout", "1h", "--", "python3", "-c", tracer, "1000")
		if len(how) == 0 {
			c = y.cmd("run", "--name", "s", "--cap-add", "sys_ptrace", "--timeout", "3s", "--grace", "100ms", "--", "python3", "-c", tracer, "1000")
		}
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		var line [8]byte
		if _, err := out.Read(line[:]); err != nil || string(line[:]) != "attached" {
			t.Fatalf("%q %v", line, err)
		}
		begin := time.Now()
		if len(how) > 0 {
			if out, err := y.cmd(how...).CombinedOutput(); err != nil {
				t.Errorf("%v: %v %s", how, err, out)
			}
		}
		if end := finish(c); end == "hangs" || end == "" {
			t.Errorf("%v: %q", how, end)
		}
		t.Logf("%v: %v", how, time.Since(begin))
		y.empty()
	}
	ask("stop", "--grace", "300ms", "s")
	ask("kill", "-s", "KILL", "s")
	ask()
}
