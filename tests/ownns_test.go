package tests

import (
	"testing"
)

// While exec makes a user namespace for its process, a payload with sys_admin
// can make none, also without a policy that forbids it: it tries all the time.
func TestNoUsernsBesideExec(t *testing.T) {
	y := newYard(t)
	const racer = `
import ctypes, os, signal, sys
libc = ctypes.CDLL(None)
count, tries = 0, 0
signal.signal(signal.SIGTERM, lambda *_: (print(count, "made", flush=True), os._exit(tries == 0)))
print("up", flush=True)
while True:
    pid = os.fork()
    if pid == 0:
        os._exit(0 if any(libc.unshare(0x10000000) == 0 for _ in range(2000)) else 1)
    tries += 1
    if os.waitpid(pid, 0)[1] == 0: count += 1`
	c := y.cmd("run", "--name", "r", "--cap-add", "sys_admin", "--seccomp", "none", "--", "python3", "-c", racer)
	out := startUp(t, c)
	for range 20 {
		y.run("exec", "r", "--", "true")
	}
	signal(t, c, 15)
	if line, _ := out.ReadString('\n'); line != "0 made\n" {
		t.Error(line)
	}
	if end := finish(c); end != "" {
		t.Error(end)
	}
	y.empty()
}
