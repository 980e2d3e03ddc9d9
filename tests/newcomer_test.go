package tests

import (
	"strings"
	"syscall"
	"testing"
)

// scanner looks at each process that appears in its jail, as long as that is
// jailinit on its way to another program: its descriptors, its memory, where it
// is. It prints what it could see, and at its end how many it met in time.
const scanner = `
import ctypes, os, signal
libc = ctypes.CDLL(None, use_errno=True)
met = set()
signal.alarm(60)
def finish(*_):
    print("met" if met else "met nobody", flush=True)
    os._exit(0)
signal.signal(signal.SIGTERM, finish)
seen = set(os.listdir("/proc"))
print("up", flush=True)

def early(pid):
    with open(f"/proc/{pid}/cmdline", "rb") as f: return f.read(9) == b"jailinit\0"

def look(pid):
    if not early(pid): return
    met.add(pid)
    found = []
    for name in "exe", "cwd", "root":
        try: found.append((name, os.readlink(f"/proc/{pid}/{name}")))
        except OSError: pass
    for name in "environ", "mem", "maps":
        try:
            with open(f"/proc/{pid}/{name}", "rb") as f: found.append((name, f.read(1) if name != "mem" else "opened"))
        except OSError: pass
    try: found.append(("fd", [os.readlink(f"/proc/{pid}/fd/{n}") for n in os.listdir(f"/proc/{pid}/fd")]))
    except OSError: pass
    if libc.ptrace(16, int(pid), None, None) == 0:  # PTRACE_ATTACH
        os.waitpid(int(pid), 0x40000000)
        found.append(("ptrace", "attached"))
        libc.ptrace(17, int(pid), None, None)
        os.kill(int(pid), signal.SIGCONT)
    if found and early(pid): print(found, flush=True)

while True:
    for pid in os.listdir("/proc"):
        if pid in seen or not pid.isdigit(): continue
        try: look(pid)
        except OSError: seen.add(pid); continue
        try:
            if not early(pid): seen.add(pid)
        except OSError: seen.add(pid)
`

// A process that exec starts is closed to the payload as long as it still is
// jailinit, with jailinit's memory and descriptors (CVE-2016-9962). Long
// arguments keep it there for a while.
func TestNewcomersAreClosed(t *testing.T) {
	long := strings.Repeat("a", 100_000)
	for name, flags := range map[string][]string{"plain": nil, "second stage": {"--cap-add", "sys_admin"}} {
		t.Run(name, func(t *testing.T) {
			y := newYard(t)
			args := append([]string{"run", "--name", "s", "--uid", "0", "--seccomp", "none"}, flags...)
			c := y.cmd(append(args, "--", "python3", "-c", scanner)...)
			out := startUp(t, c)
			for range 10 {
				y.run("exec", "s", "--", "true", long, long, long, long, long, long, long, long)
			}
			signal(t, c, syscall.SIGTERM)
			for {
				line, err := out.ReadString('\n')
				switch {
				case err != nil:
					t.Fatal("the scanner ended early: ", err)
				case line == "met\n":
				case line == "met nobody\n":
					t.Error("the scanner was never in time, so the test shows nothing")
				default:
					t.Fatal("the payload sees of jailinit: ", line)
				}
				if strings.HasPrefix(line, "met") {
					break
				}
			}
			if end := finish(c); end != "" {
				t.Error(end)
			}
			y.empty()
		})
	}
}
