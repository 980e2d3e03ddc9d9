package tests

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
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
	if len(processes(t, mark)) == 0 {
		t.Fatal("the payload doesn't show on the host, so its end couldn't be seen")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	gone(t, mark, 100*time.Millisecond)
	_ = cmd.Wait()
}

func TestKilledWhileStarting(t *testing.T) {
	const mark = "86402.25"
	for i := range 100 {
		cmd := jail(t, "--", "sleep", mark)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(i%20) * 500 * time.Microsecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	gone(t, mark, time.Second)
	gone(t, "jailinit", time.Second)
}

func TestTenThousandOrphans(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	out, err := jail(t, "--", "bash", "-c", `
		for ((i = 0; i < 10000; i++)); do (: &); done
		for ((i = 0; i < 100; i++)); do
			left=0
			for s in /proc/[0-9]*/stat; do
				read -r line <"$s" 2>/dev/null && [[ ${line##*) } == Z* ]] && left=$((left + 1))
			done
			[ $left = 0 ] && break
			sleep 0.05
		done
		echo zombies $left`).Output()
	if err != nil || string(out) != "zombies 0\n" {
		t.Errorf("%v: %s", err, out)
	}
}

func TestSignalsAreForwarded(t *testing.T) {
	for _, sig := range []string{"TERM", "INT", "HUP", "QUIT", "USR1", "USR2", "WINCH", "RTMIN+1", "RTMAX"} {
		cmd := jail(t, "--", "bash", "-c", "trap 'echo got; exit 5' "+sig+"; echo up; while :; do sleep 0.05; done")
		pipe, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		out := bufio.NewReader(pipe)
		if line, _ := out.ReadString('\n'); line != "up\n" {
			t.Fatal(line)
		}
		if err := exec.Command("bash", "-c", "kill -"+sig+" $0", strconv.Itoa(cmd.Process.Pid)).Run(); err != nil {
			t.Fatal(err)
		}
		if line, _ := out.ReadString('\n'); line != "got\n" {
			t.Errorf("SIG%s: %q", sig, line)
		}
		_ = cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != 5 {
			t.Errorf("SIG%s: exit status %d, want 5", sig, code)
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
