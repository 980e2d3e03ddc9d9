package tests

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup/spawn/early"
)

// onlyRoots skips a test of what only a jail of root's has: a range of ids of
// its own.
func onlyRoots(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only a jail of root's has a range of ids of its own")
	}
}

// endsWithTest gives a command that lives as long as its standard input one that
// the end of the test closes.
func endsWithTest(t *testing.T, c *exec.Cmd) {
	t.Helper()
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = c.Wait()
	})
}

// holdNames is a program that becomes an ordinary user, binds abstract sockets
// and holds them until its standard input ends: in several processes, as each may
// open but so many files.
const holdNames = `
import os, socket, sys
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
first, size, count, share = map(int, sys.argv[1:])
for begin in range(0, count, share):
    read, write = os.pipe()
    if os.fork() == 0:
        held = [socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(begin, min(begin + share, count))]
        for i, s in enumerate(held):
            s.bind("\0jailspawn/ids/%d" % (first + (begin + i) * size))
        os.write(write, b"1")
        sys.stdin.read()
        os._exit(0)
    os.close(write)
    if os.read(read, 1) != b"1":
        sys.exit("not all names could be bound")
print("up", flush=True)
sys.stdin.read()
`

// TestNobodyElseHoldsRanges binds, as an ordinary user, all names of sockets that
// once were the locks of the ranges. Root's jails start all the same.
func TestNobodyElseHoldsRanges(t *testing.T) {
	onlyRoots(t)
	names := fmt.Sprintf("%d %d %d 900", early.RangeFirst, early.RangeSize, early.RangeCount)
	other := exec.Command("unshare", append([]string{"-n", "python3", "-c", holdNames}, strings.Fields(names)...)...)
	other.Stderr = os.Stderr
	endsWithTest(t, other)
	startUp(t, other)
	c := exec.Command("nsenter", "-t", fmt.Sprint(other.Process.Pid), "-n", filepath.Join(bin(t), "jailspawn"), "run", "--", "echo", "runs")
	if out, err := c.CombinedOutput(); err != nil || string(out) != "runs\n" {
		t.Errorf("%v: %s", err, out)
	}
}

// TestRangesDiffer starts jails at once that all try the same range first: each
// jailspawn is process 1 of a PID namespace.
func TestRangesDiffer(t *testing.T) {
	onlyRoots(t)
	const jails = 6
	jailspawn := filepath.Join(bin(t), "jailspawn")
	seen := map[string]bool{}
	var running []*bufio.Reader
	for range jails {
		c := exec.Command("unshare", "-pf", "--kill-child", "--mount-proc", jailspawn, "run", "--",
			"sh", "-c", "read a base b </proc/self/uid_map; echo $base; read end")
		c.Stderr = os.Stderr
		endsWithTest(t, c)
		out, err := c.StdoutPipe()
		if err == nil {
			err = c.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		running = append(running, bufio.NewReader(out))
	}
	for _, out := range running {
		line, err := out.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if seen[line] {
			t.Errorf("two jails have the ids from %s on", strings.TrimSpace(line))
		}
		seen[line] = true
	}
}

// TestDetachedKeepsRange holds a range to the life of its jail, not to that of
// whoever started it.
func TestDetachedKeepsRange(t *testing.T) {
	onlyRoots(t)
	for _, end := range []string{"stop", "kill"} {
		t.Run(end, func(t *testing.T) {
			y := newYard(t)
			y.run("run", "--name", "a", "--detach", "--", "sleep", "1000")
			y.run("exec", "a", "--", "true") // by then the watcher has taken over
			k := y.state("a")
			slot := slotOf(t, k.Init.PID)
			if !taken(t, slot) {
				t.Fatal("the jail's range is free while it runs")
			}
			if open := openFiles(t, k.Init.PID); strings.Contains(open, "/.ids") {
				t.Errorf("process 1 has the lock: %s", open)
			}
			if end == "stop" {
				y.run("stop", "a")
			} else if err := unix.Kill(k.Supervisor.PID, unix.SIGKILL); err != nil {
				t.Fatal(err)
			}
			for limit := time.Now().Add(20 * time.Second); taken(t, slot); time.Sleep(5 * time.Millisecond) {
				if time.Now().After(limit) {
					t.Fatal("the range is taken still after the jail's end")
				}
			}
			y.empty()
		})
	}
}

// slotOf is the number of the range that a process has.
func slotOf(t *testing.T, pid int) int64 {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/uid_map", pid))
	if err != nil {
		t.Fatal(err)
	}
	var inside, base, count int64
	if _, err := fmt.Sscan(string(data), &inside, &base, &count); err != nil || count != early.RangeSize {
		t.Fatalf("%v: %s", err, data)
	}
	return (base - early.RangeFirst) / early.RangeSize
}

// taken asks for the lock of a range, without taking it.
func taken(t *testing.T, slot int64) bool {
	t.Helper()
	f, err := os.OpenFile("/run/jailspawn/.ids", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lock := unix.Flock_t{Type: unix.F_WRLCK, Start: slot, Len: 1}
	if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, &lock); err != nil {
		t.Fatal(err)
	}
	return lock.Type != unix.F_UNLCK
}

func openFiles(t *testing.T, pid int) (list string) {
	t.Helper()
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil || len(links) == 0 {
		t.Fatalf("process %d: no open files: %v", pid, err)
	}
	for _, link := range links {
		if to, err := os.Readlink(link); err == nil {
			list += to + "\n"
		}
	}
	return list
}
