package tests

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// jail returns the command jailspawn run with args.
func jail(t *testing.T, args ...string) *exec.Cmd {
	return exec.Command(filepath.Join(bin(t), "jailspawn"), append([]string{"run"}, args...)...)
}

// processes returns the host's pids whose command line contains mark.
func processes(t *testing.T, mark string) []string {
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var pids []string
	for _, file := range lines {
		line, err := os.ReadFile(file)
		if err == nil && strings.Contains(string(line), mark) {
			pids = append(pids, filepath.Base(filepath.Dir(file)))
		}
	}
	return pids
}

// shown waits for a process with mark that suits and returns its pid. One that
// executes a program has no command line for a moment.
func shown(t *testing.T, mark string, suits func(pid int) bool) int {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		for _, pid := range processes(t, mark) {
			if p, _ := strconv.Atoi(pid); suits(p) {
				return p
			}
		}
	}
	t.Fatal("the payload doesn't show on the host")
	return 0
}

// gone waits until no process with mark is left, at most for limit.
func gone(t *testing.T, mark string, limit time.Duration) {
	t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(time.Millisecond) {
		left := processes(t, mark)
		if len(left) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("processes %v are left after %v", left, limit)
		}
	}
}

func TestJailDiesWithJailspawn(t *testing.T) {
	const mark = "86401.25"
	cmd := jail(t, "--", "sh", "-c", "setsid sleep "+mark+" & echo up; sleep "+mark)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(line, err)
	}
	shown(t, mark, func(pid int) bool { return pid != cmd.Process.Pid }) // or its end couldn't be seen
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	gone(t, mark, 100*time.Millisecond)
	_ = cmd.Wait()
}

// TestKilledWhileStarting kills jailspawn after 0, 0.1, 0.2 ... ms: through
// every moment of a start.
func TestKilledWhileStarting(t *testing.T) {
	const mark = "86402.25"
	// What outlives jailspawn becomes a child of this process.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	before := hostState(t)
	for i := range 200 {
		cmd := jail(t, "--rw", t.TempDir(), "--", "sleep", mark)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(i) * 100 * time.Microsecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	gone(t, mark, time.Second)
	adopted(t, time.Second)
	for what, now := range hostState(t) {
		// What an earlier jail had may go meanwhile, as the kernel takes its time.
		for _, one := range before[what] {
			if i := slices.Index(now, one); i >= 0 {
				now = slices.Delete(now, i, i+1)
			}
		}
		if len(now) > 0 {
			t.Errorf("the host has %s that it had not: %v", what, now)
		}
	}
}

// adopted reaps the processes whose jailspawn is gone, and fails if one of
// them still runs at the limit.
func adopted(t *testing.T, limit time.Duration) {
	t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(time.Millisecond) {
		pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
		switch {
		case err == unix.ECHILD:
			return
		case pid == 0 && time.Now().After(end):
			t.Fatalf("a process of a jail is left after %v", limit)
		}
	}
}

// hostState is what a jail could leave on the host beside processes.
func hostState(t *testing.T) map[string][]string {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	state := map[string][]string{}
	for line := range strings.Lines(string(mounts)) {
		state["mounts"] = append(state["mounts"], strings.Fields(line)[4])
	}
	for name, pattern := range map[string]string{"links": "/sys/class/net/*", "sockets": "/run/jailspawn/[^.]*"} {
		if state[name], err = filepath.Glob(pattern); err != nil {
			t.Fatal(err)
		}
	}
	return state
}

func TestTenThousandOrphans(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	// A small shell, as what a fork takes is the size of its memory.
	out, err := jail(t, "--", "sh", "-c", `
		i=0
		while [ $((i += 1)) -le 10000 ]; do (: &); done
		i=0
		while [ $((i += 1)) -le 100 ]; do
			left=0
			for s in /proc/[0-9]*/stat; do
				{ read -r line <"$s"; } 2>/dev/null || continue
				case ${line##*) } in Z*) left=$((left + 1)) ;; esac
			done
			[ $left = 0 ] && break
			sleep 0.05
		done
		echo zombies $left`).Output()
	if err != nil || string(out) != "zombies 0\n" {
		t.Errorf("%v: %s", err, out)
	}
}

// startUp starts a command that prints "up" first, and returns the rest of its
// output when it has.
func startUp(t *testing.T, c *exec.Cmd) *bufio.Reader {
	t.Helper()
	pipe, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	out := bufio.NewReader(pipe)
	if line, _ := out.ReadString('\n'); line != "up\n" {
		t.Fatal(line)
	}
	return out
}

func TestSignalsAreForwarded(t *testing.T) {
	y := newYard(t)
	y.run("run", "--name", "s", "--detach", "--", "sleep", "1000")
	for _, sig := range []string{"TERM", "INT", "HUP", "QUIT", "USR1", "USR2", "PROF", "WINCH", "34", "RTMIN+1", "RTMAX"} {
		if sig == "34" && runtime.GOARCH != "amd64" {
			continue // the Go runtime leaves it to the C library
		}
		script := "trap 'echo got; exit 5' " + sig + "; echo up; while :; do sleep 0.05; done"
		isForwarded(t, sig, jail(t, "--", "bash", "-c", script))
		isForwarded(t, sig, y.cmd("exec", "s", "--", "bash", "-c", script))
	}
	y.run("stop", "--grace", "0s", "s")
	y.empty()
}

// isForwarded sends a signal to jailspawn when the command, which exits with 5
// then, says that it is up.
func isForwarded(t *testing.T, sig string, cmd *exec.Cmd) {
	out := startUp(t, cmd)
	if err := exec.Command("bash", "-c", "kill -"+sig+" $0", strconv.Itoa(cmd.Process.Pid)).Run(); err != nil {
		t.Fatal(err)
	}
	if line, _ := out.ReadString('\n'); line != "got\n" {
		t.Errorf("%s: SIG%s: %q", cmd.Args[1], sig, line)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 5 {
		t.Errorf("%s: SIG%s: exit status %d, want 5", cmd.Args[1], sig, code)
	}
}

// A signal that comes as soon as the payload runs is not lost, however late
// jailspawn is with what it has to do then.
func TestSignalsOfTheFirstMoment(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("no strace")
	}
	for range 3 {
		c := jail(t, "--", "bash", "-c", "trap 'exit 5' WINCH; echo up; while :; do sleep 0.05; done")
		c = exec.Command("strace", append([]string{"-o", os.DevNull, "-e", "inject=close:delay_exit=30000"}, c.Args...)...)
		startUp(t, c)
		if err := unix.Kill(called(t, c.Process.Pid, "jailspawn"), unix.SIGWINCH); err != nil {
			t.Fatal(err)
		}
		if end := finish(c); end != "status 5" {
			t.Errorf("it ends with %q", end)
		}
	}
}

// What the payload does to process 1 must neither end the jail nor hang it.
func TestPayloadCantEndProcess1(t *testing.T) {
	const script = `for s in HUP INT QUIT ILL TRAP ABRT BUS FPE SEGV USR1 PIPE ALRM TERM TSTP STOP KILL SYS 33 34 64; do kill -$s 1; done
		exec 2>/dev/null; for f in /proc/1/mem /proc/1/environ /proc/1/fd/3; do (: <$f) && exit 9; done; exit 3`
	if got := output(t, ourInit(t).argv, "bash", "-c", script); got != "status 3" {
		t.Error(got)
	}
}
