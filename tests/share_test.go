package tests

import (
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// sharing skips where the caller can't have a cgroup, and checks that none is
// left.
func sharing(t *testing.T) *yard {
	t.Helper()
	if !features["cgroup2"]() {
		t.Skip("the caller may make no cgroup of version 2")
	}
	var y *yard
	before := leftCgroups(t)
	t.Cleanup(func() { // behind that of the yard
		y.run("prune")
		if after := leftCgroups(t); len(after) > len(before) {
			t.Errorf("cgroups are left: %v", after)
		}
	})
	y = newYard(t)
	return y
}

// In a shared PID namespace the kernel doesn't end the jail with its first
// process; all of it ends nevertheless, whoever is killed.
func TestSharedPIDsKilledInEveryOrder(t *testing.T) {
	const mark = "86410.25"
	y := sharing(t)
	for _, order := range []string{"S", "I", "P", "W", "SIP", "SPI", "ISP", "IPS", "PSI", "PIS", "WP", "PW", "WI", "IW"} {
		y.run("run", "--name", "k", "--share", "pid", "--detach", "--", "bash", "-c", "(setsid sleep "+mark+" &) ; exec -a "+mark+" sleep 1000")
		k := y.state("k")
		will := called(t, k.Supervisor.PID, "jail-will")
		payload := -1
		for end := time.Now().Add(patience); (payload < 0 || len(processes(t, mark)) < 4) && time.Now().Before(end); {
			for _, pid := range processes(t, mark) {
				line, _ := os.ReadFile("/proc/" + pid + "/cmdline")
				if strings.HasPrefix(string(line), mark) {
					payload, _ = strconv.Atoi(pid)
				}
			}
		}
		if n := len(processes(t, mark)); payload < 0 || n < 4 {
			t.Fatal("of the jail show on the host: ", n)
		}
		for _, who := range order {
			_ = syscall.Kill(map[rune]int{'S': k.Supervisor.PID, 'I': k.Init.PID, 'P': payload, 'W': will}[who], syscall.SIGKILL)
		}
		gone(t, mark, 10*time.Second)
		y.empty()
	}
}

// Killed after every 0.2 milliseconds of a start.
func TestSharedPIDsKilledWhileStarting(t *testing.T) {
	const mark = "86411.25"
	sharing(t)
	for i := range 100 {
		cmd := jail(t, "--share", "pid", "--", "sh", "-c", "(setsid sleep "+mark+" &); exec sleep "+mark)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(i) * 600 * time.Microsecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	gone(t, mark, 10*time.Second)
}

func TestSharedPIDs(t *testing.T) {
	y := sharing(t)
	innocent := exec.Command("sleep", "1000")
	if err := innocent.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = innocent.Process.Kill(); _ = innocent.Wait() }()
	host := strconv.Itoa(innocent.Process.Pid)
	shares := func(flags ...string) []string {
		return append(append(jail(t, "--share", "pid").Args, flags...), "--", "bash", "-c")
	}
	for _, c := range []struct {
		what   string
		argv   []string
		script string
		want   string
	}{
		{"sees the host", shares(), "[ -d /proc/" + host + " ] && [ $$ != 2 ] && echo sees", "sees"},
		{"looks into nothing", shares(), "for f in environ mem root/etc cwd/. fd/0; do (: </proc/" + host + "/$f) 2>/dev/null && echo $f; done; exit 3", "status 3"},
		{"can't write to proc", shares(), "echo 5 2>/dev/null >/proc/sys/vm/swappiness || exit 4", "status 4"},
		{"what is left is told", shares("--grace", "1h"), `exec 4>&1; read line < <(setsid bash -c 'trap "echo told >&4; exit" TERM; echo up; exec >/dev/null; while :; do sleep 0.02; done')`, "told"},
		{"and killed", shares("--grace", "100ms"), `exec 4>&1; read line < <(setsid bash -c 'trap "" TERM; echo up; exec >/dev/null 4>&-; while :; do sleep 0.02; done'); exit 6`, "status 6"},
		{"at once", shares("--grace", "0s"), `(setsid sleep 1000 >/dev/null &) ; exit 7`, "status 7"},
		{"is waited for", shares("--wait-all"), `(setsid sh -c "sleep 0.3; echo last" &) ; exit 0`, "last"},
		{"kills jailinit", shares(), `(setsid sleep 1000 >/dev/null &) ; kill -9 $PPID; sleep 1000`, "status 137"},
		{"stops jailinit", shares(), `kill -STOP $PPID; exit 8`, "status 8"},
		{"has no sys_admin", shares("--caps", "all"), "true", "status 2"},
	} {
		if got := output(t, c.argv, c.script); got != c.want {
			t.Errorf("%s: got %q, want %q", c.what, got, c.want)
		}
	}
	y.run("run", "--name", "n", "--share", "pid", "--detach", "--", "sleep", "86412.25")
	if got := y.run("exec", "n", "--", "sh", "-c", "exec cat /proc/self/cgroup"); !strings.Contains(got, ":/\n") {
		t.Errorf("exec runs in the cgroup %q", got)
	}
	if got := y.run("ps", "n"); !strings.Contains(got, "sleep 86412.25") {
		t.Errorf("ps shows %s", got)
	}
	y.run("stop", "--grace", "0s", "n")
	gone(t, "86412.25", time.Second)
	y.empty()
	if err := innocent.Process.Signal(syscall.Signal(0)); err != nil || state(innocent.Process.Pid) == "Z" {
		t.Error("a process that is none of the jails' was killed")
	}
}

func TestSharedPIDsInTwoStages(t *testing.T) {
	sharing(t)
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	second := jail(t, "--share", "pid", "--listen-fds", "--", "sh", "-c", "[ $LISTEN_PID = $$ ]")
	if out, err := activate(t, l, second.Args...).CombinedOutput(); err != nil {
		t.Errorf("%v %s", err, out)
	}
}

// A signal that comes when the payload is gone is for what it left.
func TestSharedPIDsLateSignal(t *testing.T) {
	sharing(t)
	c := jail(t, "--share", "pid", "--wait-all", "--", "bash", "-c", `(trap "echo told; exit" USR1; echo up; while :; do sleep 0.02; done) & sleep 0.1`)
	out := startUp(t, c)
	time.Sleep(500 * time.Millisecond) // the payload lives for 0.1 seconds
	signal(t, c, syscall.SIGUSR1)
	if line, err := out.ReadString('\n'); line != "told\n" {
		t.Fatal(line, err)
	}
	_ = finish(c)
}

// Who can't have a cgroup is told why he needs one.
func TestSharedPIDsRefused(t *testing.T) {
	if features["cgroup2"]() {
		t.Skip("the caller may make cgroups")
	}
	code, _, stderr := runJail(t, "--share", "pid", "--", "true")
	if code != 125 || !strings.Contains(stderr, "a jail that shares the PID namespace is ended by its cgroup") || strings.Count(stderr, "\n") != 1 {
		t.Errorf("%d %s", code, stderr)
	}
}
