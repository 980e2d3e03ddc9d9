package tests

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// canLimit reports whether the caller may make a cgroup that limits memory: of
// version 2, in its own or beside it, or of version 1.
func canLimit() bool {
	own, _ := os.ReadFile("/proc/self/cgroup")
	for line := range strings.Lines(string(own)) {
		field := strings.SplitN(strings.TrimSpace(line), ":", 3)
		dirs := []string{"/sys/fs/cgroup/memory" + field[2]}
		if field[1] == "" {
			dirs = []string{"/sys/fs/cgroup" + field[2], filepath.Dir("/sys/fs/cgroup" + field[2])}
		} else if field[1] != "memory" {
			continue
		}
		for _, dir := range dirs {
			controllers, err := os.ReadFile(dir + "/cgroup.controllers")
			if err == nil && !strings.Contains(string(controllers), "memory") {
				continue
			}
			probe := filepath.Join(dir, fmt.Sprint("probe-", os.Getpid()))
			if os.Mkdir(probe, 0o755) == nil && os.Remove(probe) == nil {
				return true
			}
		}
	}
	return false
}

func needLimits(t *testing.T) {
	t.Helper()
	if !canLimit() {
		t.Skip("the caller may make no cgroup with limits")
	}
}

// leftCgroups returns the cgroups of jails that are there now.
func leftCgroups(t *testing.T) []string {
	t.Helper()
	var left []string
	err := filepath.WalkDir("/sys/fs/cgroup", func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() && strings.HasPrefix(d.Name(), "jailspawn-") {
			left = append(left, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return left
}

// runJail runs a jail and returns its exit status and what it wrote.
func runJail(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	cmd := jail(t, args...)
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	if e := cmd.Run(); e != nil {
		if _, ok := e.(*exec.ExitError); !ok {
			t.Fatal(e)
		}
	}
	return cmd.ProcessState.ExitCode(), out.String(), err.String()
}

func TestForkBombMeetsPids(t *testing.T) {
	needLimits(t)
	status, _, stderr := runJail(t, "--pids", "40", "--usage", "--timeout", "60", "--", "sh", "-c",
		`i=0; while [ $i -lt 200 ]; do sleep 1000 & i=$((i + 1)); done; exit 3`)
	if status != 2 || !strings.Contains(stderr, "Cannot fork") || !regexp.MustCompile(`pids_peak=(40|unknown)\b`).MatchString(stderr) {
		t.Errorf("status %d: %s", status, stderr)
	}
}

func TestMemoryLimitIsToldFromOtherDeaths(t *testing.T) {
	needLimits(t)
	const hungry = `x = b"a" * (1 << 30)`
	status, _, stderr := runJail(t, "--memory", "64M", "--", "python3", "-c", hungry)
	if status != 137 || !strings.Contains(stderr, "jailspawn: memory: the jail needed more than its 64M: 1 of its") {
		t.Errorf("status %d: %q", status, stderr)
	}
	status, _, stderr = runJail(t, "--memory", "64M", "--", "sh", "-c", "kill -KILL $$")
	if status != 137 || stderr != "" {
		t.Errorf("another SIGKILL: status %d: %q", status, stderr)
	}
}

// Process 1 must leave a tiny jail room to work in.
func TestFourMegabytes(t *testing.T) {
	needLimits(t)
	status, stdout, stderr := runJail(t, "--memory", "4M", "--usage", "--", "sh", "-c", "for i in 1 2 3 4 5; do /bin/echo $i; done")
	if status != 0 || stdout != "1\n2\n3\n4\n5\n" {
		t.Errorf("status %d: %s%s", status, stdout, stderr)
	}
}

func TestCPULimit(t *testing.T) {
	needLimits(t)
	_, stdout, stderr := runJail(t, "--cpus", "0.2", "--", "python3", "-c", `
import time
begin, used = time.monotonic(), time.process_time()
while time.monotonic() < begin + 3: pass
print((time.process_time() - used) / (time.monotonic() - begin))`)
	used, err := strconv.ParseFloat(strings.TrimSpace(stdout), 64)
	if err != nil || used > 0.25 || used < 0.15 {
		t.Errorf("%s of a processor were used, want 0.2 (%v) %s", stdout, err, stderr)
	}
}

func TestTimeoutKillsWhatIgnoresTerm(t *testing.T) {
	begin := time.Now()
	status, _, stderr := runJail(t, "--timeout", "1", "--grace", "500ms", "--", "sh", "-c", `trap "" TERM; while :; do sleep 0.1; done`)
	took := time.Since(begin)
	if status != 124 || stderr != "jailspawn: timeout: 1s are over, the jail was killed\n" {
		t.Errorf("status %d: %q", status, stderr)
	}
	if took < 1500*time.Millisecond || took > 4*time.Second {
		t.Errorf("it took %v, want 1.5 s", took)
	}
}

func TestTimeoutLetsThePayloadEnd(t *testing.T) {
	status, stdout, stderr := runJail(t, "--timeout", "1", "--grace", "60s", "--", "sh", "-c", `trap "echo bye; exit 0" TERM; while :; do sleep 0.1; done`)
	if status != 124 || stdout != "bye\n" || !strings.Contains(stderr, "the payload ended") {
		t.Errorf("status %d: %q %q", status, stdout, stderr)
	}
	if status, _, stderr := runJail(t, "--timeout", "60", "--", "sh", "-c", "exit 9"); status != 9 || stderr != "" {
		t.Errorf("in time: status %d: %q", status, stderr)
	}
}

func TestCPUTimeCountsTheWholeJail(t *testing.T) {
	needLimits(t)
	status, _, stderr := runJail(t, "--cpu-time", "500ms", "--timeout", "60", "--", "bash", "-c",
		`while :; do (for ((i = 0; i < 5000; i++)); do :; done); done`)
	if status != 124 || !strings.Contains(stderr, "cpu-time: 500ms are over") {
		t.Errorf("status %d: %q", status, stderr)
	}
}

func TestUsageForEverybody(t *testing.T) {
	status, _, stderr := runJail(t, "--usage", "--", "sh", "-c", "sleep 0.2; exit 3")
	line := regexp.MustCompile(`^jailspawn: usage: wall=(\d+\.\d{3})s user=\d+\.\d{3}s system=\d+\.\d{3}s largest_process=\S+ memory_peak=(\S+) pids_peak=(\S+) io_read=\S+ io_written=\S+ oom_kills=(\S+)\n$`)
	m := line.FindStringSubmatch(stderr)
	if status != 3 || m == nil || m[1] < "0.2" {
		t.Fatalf("status %d: %q", status, stderr)
	}
	if canLimit() && (m[2] == "unknown" || m[4] != "0") {
		t.Errorf("a cgroup was to be had, and yet: %s", stderr)
	}
}

func TestJailSeesItsCgroupAsRoot(t *testing.T) {
	needLimits(t)
	_, stdout, _ := runJail(t, "--pids", "64", "--", "cat", "/proc/self/cgroup", "/proc/1/cgroup")
	for line := range strings.Lines(stdout) {
		if strings.Contains(line, "jailspawn-") || strings.Contains(line, "..") {
			t.Error(line)
		}
	}
	if !strings.Contains(stdout, ":/\n") {
		t.Error(stdout)
	}
}

// A jail without limits has no cgroup of its own: none is made, none removed.
func TestNoCgroupUnasked(t *testing.T) {
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	const mark = "86411.25"
	cmd := jail(t, "--", "sh", "-c", "echo up; exec sleep "+mark)
	out, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = bufio.NewReader(out).ReadString('\n')
	for _, pid := range processes(t, mark) {
		if its, err := os.ReadFile("/proc/" + pid + "/cgroup"); err == nil && string(its) != string(own) {
			t.Errorf("process %s is in\n%swant\n%s", pid, its, own)
		}
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// A killed jailspawn can't remove its cgroups; the next one does, but leaves
// those of jails that live.
func TestNextCommandSweepsCgroups(t *testing.T) {
	needLimits(t)
	start := func(mark string) *exec.Cmd {
		cmd := jail(t, "--pids", "64", "--memory", "64M", "--", "sh", "-c", "echo up; sleep "+mark)
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
		return cmd
	}
	of := func(cmd *exec.Cmd) (own []string) {
		for _, path := range leftCgroups(t) {
			if strings.Contains(path, fmt.Sprintf("jailspawn-%d-", cmd.Process.Pid)) {
				own = append(own, path)
			}
		}
		return own
	}
	living, killed := start("86412.25"), start("86413.25")
	_ = killed.Process.Kill()
	_ = killed.Wait()
	gone(t, "86413.25", 5*time.Second)
	if len(of(killed)) == 0 {
		t.Fatal("nothing was left, so nothing could be swept")
	}
	if status, _, stderr := runJail(t, "--pids", "64", "--memory", "64M", "--", "true"); status != 0 {
		t.Error(status, stderr)
	}
	if left := of(killed); len(left) > 0 {
		t.Error("left behind:", left)
	}
	if len(of(living)) == 0 || len(processes(t, "86412.25")) == 0 {
		t.Error("the sweep took a jail that lives")
	}
	_ = living.Process.Signal(syscall.SIGTERM)
	_ = living.Wait()
	if left := of(living); len(left) > 0 {
		t.Error("left behind:", left)
	}
}
