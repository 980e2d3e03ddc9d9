package tests

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// An init is a program that runs one command as its first process: ours, and
// those of others for comparison. The prefixes stand before the command; one
// that is empty means that the program has no such option.
type initProgram struct {
	name    string
	argv    []string
	group   []string // signals go to the process group
	rewrite []string // SIGTERM becomes SIGINT
	remap   []string // exit status 143 becomes 0
	grace   []string // what is left has a second
	waitAll []string // waits for what is left
	oom     []string // the command is ended by 300 points before others when memory is short
}

func ourInit(t *testing.T) initProgram {
	run := func(flags ...string) []string {
		return append(append([]string{filepath.Join(bin(t), "jailspawn"), "run"}, flags...), "--")
	}
	return initProgram{
		"jailspawn", run(), run("--signal-group"), run("--signal-map", "TERM:INT"),
		run("--ok-status", "143"), run("--grace", "1s"), run("--wait-all"), run("--oom-score-adj", "300"),
	}
}

// A rule is one row of what process 1 owes its command: run returns what it
// did, which is compared with want.
type rule struct {
	name string
	want string
	run  func(t *testing.T, p initProgram) string
}

var rules = []rule{
	{"reaps every orphan", "0 zombies", func(t *testing.T, p initProgram) string {
		return output(t, p.argv, `bash`, `-c`, `for i in {1..100}; do (: &); done
			for try in {1..100}; do
				n=0; for s in /proc/[0-9]*/stat; do
					read -r line <"$s" 2>/dev/null || continue
					[[ ${line##*) } == Z\ $PPID\ * ]] && n=$((n + 1)); done
				[ $n = 0 ] && break; sleep 0.05; done; echo $n zombies`)
	}},
	{"SIGCHLD ignored by the caller", "status 7", func(t *testing.T, p initProgram) string {
		ignore := "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execvp(sys.argv[1], sys.argv[1:])"
		return output(t, append([]string{"python3", "-c", ignore}, p.argv...), "sh", "-c", "exit 7")
	}},
	{"a command that ends at once", "", func(t *testing.T, p initProgram) string { return output(t, p.argv, "true") }},
	{"an orphan's status is not the command's", "status 4", func(t *testing.T, p initProgram) string {
		return output(t, p.argv, "sh", "-c", "(sh -c 'exit 9' &); sleep 0.2; exit 4")
	}},
	{"a stopped command hasn't ended", "status 5", func(t *testing.T, p initProgram) string {
		return session(t, p.argv, "echo up; kill -STOP $$; exit 5", func(c *exec.Cmd) {
			time.Sleep(100 * time.Millisecond) // should it take that for the end
			signal(t, c, syscall.SIGCONT)
		})
	}},
	{"exit status of a signal", "status 143", func(t *testing.T, p initProgram) string {
		return output(t, p.argv, "sh", "-c", "kill -TERM $$")
	}},
	{"forwards every signal", "all but 17 23", everySignal},
	{"forwards ILL TRAP ABRT BUS FPE SEGV SYS that were sent", "all", func(t *testing.T, p initProgram) string {
		return forwardsAll(t, p.argv, []int{4, 5, 6, 7, 8, 11, 31})
	}},
	{"signals to the process group", "status 5 child", func(t *testing.T, p initProgram) string {
		return session(t, p.group, `trap 'wait; exit 5' USR1
			(trap 'echo child; exit' USR1; echo up; while :; do sleep 0.02; done) & while :; do sleep 0.02; done`, send(t, syscall.SIGUSR1))
	}},
	{"rewrites signals", "status 130", func(t *testing.T, p initProgram) string {
		return session(t, p.rewrite, "echo up; exec sleep 60", send(t, syscall.SIGTERM))
	}},
	{"exit status remapped", "", func(t *testing.T, p initProgram) string {
		return session(t, p.remap, "echo up; exec sleep 60", send(t, syscall.SIGTERM))
	}},
	{"SIGTSTP and SIGCONT", "command goes on, command stops, launcher goes on, launcher stops", stopAndContinue},
	{"not found, not executable, a directory", "127 126 126", func(t *testing.T, p initProgram) string {
		var codes []string
		for _, command := range []string{"/no/such", "/etc/passwd", "/usr"} {
			codes = append(codes, strings.TrimPrefix(output(t, p.argv, command), "status "))
		}
		return strings.Join(codes, " ")
	}},
	{"what is left gets SIGTERM and time", "told", func(t *testing.T, p initProgram) string {
		return output(t, p.grace, "bash", "-c", `exec 4>&1; read line < <(setsid bash -c 'trap "sleep 0.1; echo told >&4; exit" TERM
			echo ready; exec >/dev/null; for i in {1..500}; do sleep 0.02; done')`)
	}},
	{"waits for all on request", "last", func(t *testing.T, p initProgram) string {
		return output(t, p.waitAll, "sh", "-c", "setsid sh -c 'sleep 0.3; echo last' & exit 0")
	}},
	{"blocked and ignored signals of the caller", "none blocked, none ignored", func(t *testing.T, p initProgram) string {
		return output(t, append([]string{"sh", "-c", `trap "" USR1 PIPE; exec "$@"`, "sh"}, p.argv...), "sh", "-c",
			`while read -r k v; do case $k in SigBlk:) b=$v;; SigIgn:) i=$v;; esac; done </proc/self/status
			[ $b = 0000000000000000 ] && b=none; [ $i = 0000000000000000 ] && i=none; echo "$b blocked, $i ignored"`)
	}},
	{"a pipe that the command closes is closed", "closed", func(t *testing.T, p initProgram) string {
		c, out := launch(t, p.argv, "sh", "-c", "exec >&- 2>&-; exec sleep 60")
		defer finish(c)
		defer killAll(c)
		closed := make(chan bool)
		go func() { _, _ = out.ReadByte(); close(closed) }()
		select {
		case <-closed:
			return "closed"
		case <-time.After(2 * time.Second):
			return "held open"
		}
	}},
	{"process 1 pins no directory of the caller", "", func(t *testing.T, p initProgram) (cwd string) {
		in := append([]string{"sh", "-c", `cd /tmp && exec "$@"`, "sh"}, p.argv...)
		session(t, in, "echo up; exec sleep 60", func(c *exec.Cmd) {
			pids := family(c.Process.Pid, "sleep")
			cwd, _ = os.Readlink(fmt.Sprintf("/proc/%d/cwd", pids[len(pids)-1]))
			cwd = strings.TrimSuffix(cwd, "/") // ours is seen by root alone
			killAll(c)
		})
		return cwd
	}},
	{"descriptors of the caller", "none", func(t *testing.T, p initProgram) string {
		return output(t, append([]string{"bash", "-c", `exec 9</dev/null 77</dev/null; exec "$@"`, "bash"}, p.argv...),
			"bash", "-c", `n=none; for fd in 9 77; do [ -e /proc/self/fd/$fd ] && n="the command has them"; done; echo $n`)
	}},
	{"the keyboard is the command's", "reads, runs in the background", keyboard},
	{"a terminal that hangs up", "command gone", hangup},
	{"kill -9 of it ends the command", "command gone", func(t *testing.T, p initProgram) string {
		const mark = "86406.25"
		session(t, p.argv, "echo up; exec sleep "+mark, send(t, syscall.SIGKILL))
		return leaves(t, mark)
	}},
	{"what it says of memory counts for the command alone", "300, itself 0", func(t *testing.T, p initProgram) string {
		return output(t, p.oom, "sh", "-c", `
			read c </proc/self/oom_score_adj
			for n in 1 2 3 4 5 6 7 8 9 10; do # it takes its own back when the command runs
				read i </proc/$PPID/oom_score_adj
				[ "$i" != "$c" ] || sleep 0.1
			done
			echo "$c, itself $i"`)
	}},
	{"wake-ups in two seconds", "0", wakeups},
}

// TestProcess1 holds ours to every rule.
func TestProcess1(t *testing.T) {
	for _, r := range rules {
		t.Run(strings.ReplaceAll(r.name, " ", "_"), func(t *testing.T) {
			if got := r.run(t, ourInit(t)); got != r.want {
				t.Errorf("got %q, want %q", got, r.want)
			}
		})
	}
}
