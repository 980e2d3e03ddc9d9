package tests

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A payload that prints without end to a reader who takes nothing makes
// jailspawn neither large nor deaf.
func TestFloodToStoppedReader(t *testing.T) {
	y := newYard(t)
	y.run("run", "--name", "f", "--detach", "--", "sleep", "1000")
	for name, c := range map[string]*exec.Cmd{
		"terminal":      jail(t, "--tty", "always", "--", "yes"),
		"pipe":          jail(t, "--tty", "never", "--", "yes"),
		"exec terminal": y.cmd("exec", "--tty", "f", "--", "yes"),
		"exec pipe":     y.cmd("exec", "f", "--", "yes"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			c.Stdout = w
			err = c.Start()
			w.Close()
			if err != nil {
				t.Fatal(err)
			}
			isFull(t, r)
			time.Sleep(500 * time.Millisecond) // in which it could grow
			if kB := peak(t, c.Process.Pid); kB > 16<<10 {
				t.Errorf("jailspawn has %d kB", kB)
			}
			signal(t, c, syscall.SIGTERM)
			if end := finish(c); end != "status 143" {
				t.Errorf("it ends with %q", end)
			}
		})
	}
}

// isFull waits until no more goes into a pipe. How much that is depends on how
// it was written.
func isFull(t *testing.T, r *os.File) {
	t.Helper()
	last, since := 0, time.Now()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		n, err := unix.IoctlGetInt(int(r.Fd()), unix.TIOCINQ)
		if err != nil {
			t.Fatal(err)
		}
		if n != last {
			last, since = n, time.Now()
		}
		if n > 16<<10 && time.Since(since) > 300*time.Millisecond {
			return
		}
	}
	t.Fatal("the pipe isn't filled")
}

// peak is the most memory that a process has had, in kB.
func peak(t *testing.T, pid int) (kB int) {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, after, _ := strings.Cut(string(data), "VmHWM:")
	if _, scanErr := fmt.Sscan(after, &kB); err != nil || scanErr != nil {
		t.Fatal(err, scanErr)
	}
	return kB
}

// A reader who pauses for longer than anybody waits for nothing gets all that
// the jail has printed in a terminal, also when it is gone by then: with one of
// these lengths the rest is still in the terminal.
func TestSlowReaderOfTerminal(t *testing.T) {
	for lines := 5000; lines <= 13_000; lines += 1000 {
		t.Run(fmt.Sprint(lines), func(t *testing.T) {
			t.Parallel()
			c := jail(t, "--tty", "always", "--", "seq", fmt.Sprint(lines))
			out, err := c.StdoutPipe()
			if err == nil {
				err = c.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(1800 * time.Millisecond)
			text, err := io.ReadAll(out)
			if n := strings.Count(string(text), "\r\n"); n != lines || err != nil {
				t.Errorf("%v: %d lines came, not %d", err, n, lines)
			}
			if end := finish(c); end != "" {
				t.Error(end)
			}
		})
	}
}
