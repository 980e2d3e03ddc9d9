package tests

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const patience = 10 * time.Second

// launch starts a command under an init in a session of its own, so that
// nothing of the test's terminal matters.
func launch(t *testing.T, prefix []string, command ...string) (*exec.Cmd, *bufio.Reader) {
	argv := append(append([]string{}, prefix...), command...)
	c := exec.Command(argv[0], argv[1:]...)
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c, bufio.NewReader(out)
}

// killAll ends a launcher and what it has started, in whatever session.
func killAll(c *exec.Cmd) {
	for _, pid := range family(c.Process.Pid, "") {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// finish waits for the end, for so long, and returns the exit status in words;
// 0 is nothing to speak of.
func finish(c *exec.Cmd) string {
	hung := make(chan bool, 1)
	timer := time.AfterFunc(patience, func() {
		hung <- true
		killAll(c)
	})
	_ = c.Wait()
	timer.Stop()
	select {
	case <-hung:
		return "hangs"
	default:
	}
	ws := c.ProcessState.Sys().(syscall.WaitStatus)
	switch {
	case ws.Signaled():
		return "killed by " + strconv.Itoa(int(ws.Signal()))
	case ws.ExitStatus() != 0:
		return "status " + strconv.Itoa(ws.ExitStatus())
	}
	return ""
}

// output runs a command under an init and returns what it prints, or how it
// ends.
func output(t *testing.T, prefix []string, command ...string) string {
	if len(prefix) == 0 {
		return "no option"
	}
	c, out := launch(t, prefix, command...)
	var text strings.Builder
	done := make(chan bool)
	go func() { _, _ = out.WriteTo(&text); close(done) }()
	select {
	case <-done:
	case <-time.After(patience):
	}
	end := finish(c)
	if end == "hangs" || text.Len() == 0 {
		return end
	}
	<-done
	return strings.TrimSpace(text.String())
}

// session runs a shell script until it says that it is up, and then act. It
// returns the end, and what the script printed.
func session(t *testing.T, prefix []string, script string, act func(*exec.Cmd)) string {
	if len(prefix) == 0 {
		return "no option"
	}
	c, out := launch(t, prefix, "bash", "-c", script)
	if line, _ := out.ReadString('\n'); line != "up\n" {
		_ = c.Process.Kill()
		return "never up"
	}
	act(c)
	text := make(chan string, 1)
	go func() {
		s, _ := out.ReadString(0)
		text <- s
	}()
	select {
	case s := <-text:
		return strings.TrimSpace(finish(c) + " " + s)
	case <-time.After(patience):
		return finish(c)
	}
}

func signal(t *testing.T, c *exec.Cmd, sig syscall.Signal) {
	if err := c.Process.Signal(sig); err != nil {
		t.Error(err)
	}
}

func send(t *testing.T, sig syscall.Signal) func(*exec.Cmd) {
	return func(c *exec.Cmd) { signal(t, c, sig) }
}

// listener blocks all signals, says so, and prints those that come.
const listener = `
import signal
all = signal.valid_signals()
signal.pthread_sigmask(signal.SIG_BLOCK, all)
print("up", flush=True)
while True: print(int(signal.sigwait(all)), flush=True)`

// forwardsAll returns which of the signals don't reach the command.
func forwardsAll(t *testing.T, prefix []string, signals []int) string {
	var missing []string
	var c *exec.Cmd
	var lines chan string
	var pids []int
	end := func() {
		if c != nil {
			for _, pid := range pids { // the command, too, if it is an orphan by now
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
			_ = c.Wait()
		}
		c = nil
	}
	defer end()
	for _, n := range signals {
		if c == nil {
			var out *bufio.Reader
			c, out = launch(t, prefix, "python3", "-c", listener)
			lines = make(chan string, 64)
			go func(lines chan string) {
				for s := bufio.NewScanner(out); s.Scan(); {
					lines <- s.Text()
				}
				close(lines)
			}(lines)
			if <-lines != "up" {
				return "never up"
			}
			pids = family(c.Process.Pid, "")
		}
		signal(t, c, syscall.Signal(n))
		wait := patience
		if n == 17 || n == 23 || n == 27 || n == 34 || prefix[0] == "tini" || prefix[0] == "catatonit" {
			wait = 300 * time.Millisecond // not expected to come
		}
		select {
		case got := <-lines:
			if got == strconv.Itoa(n) {
				continue
			}
		case <-time.After(wait):
		}
		missing = append(missing, strconv.Itoa(n))
		end()
	}
	if len(missing) == 0 {
		return "all"
	}
	return "all but " + strings.Join(missing, " ")
}

// everySignal is about all that can be caught, but for those that the C library
// keeps for itself.
func everySignal(t *testing.T, p initProgram) string {
	var list []int
	for n := 1; n <= 64; n++ {
		if n != 9 && n != 19 && n != 32 && n != 33 {
			list = append(list, n)
		}
	}
	return forwardsAll(t, p.argv, list)
}

// family returns the process and what it has started that is not command.
func family(pid int, command string) []int {
	pids := []int{pid}
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid)) // each has its own
	var children string
	for _, file := range threads {
		some, _ := os.ReadFile(file)
		children += string(some)
	}
	for _, word := range strings.Fields(children) {
		child, _ := strconv.Atoi(word)
		if comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", child)); strings.TrimSpace(string(comm)) != command {
			pids = append(pids, family(child, command)...)
		}
	}
	return pids
}

// state returns the letter by which ps(1) shows a process.
func state(pid int) string {
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if i := strings.LastIndexByte(string(stat), ')'); i > 0 && i+2 < len(stat) {
		return string(stat[i+2])
	}
	return "gone"
}

// becomes waits until a process is in a state.
func becomes(pid int, want string) bool {
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if state(pid) == want {
			return true
		}
	}
	return false
}

func stopAndContinue(t *testing.T, p initProgram) string {
	const mark = "86403.25"
	var seen []string
	look := func(c *exec.Cmd, want, word string) {
		for _, pid := range processes(t, mark) {
			n, _ := strconv.Atoi(pid)
			who := "command"
			if n == c.Process.Pid {
				who = "launcher"
			}
			if becomes(n, want) {
				seen = append(seen, who+" "+word)
			}
		}
	}
	session(t, p.argv, "echo up; exec sleep "+mark, func(c *exec.Cmd) {
		signal(t, c, syscall.SIGTSTP)
		look(c, "T", "stops")
		signal(t, c, syscall.SIGCONT)
		look(c, "S", "goes on")
		signal(t, c, syscall.SIGTERM)
	})
	slices.Sort(seen)
	return strings.Join(slices.Compact(seen), ", ")
}

// keyboard tells what a command can do at a terminal: read from it; and run when
// its job is in the background, where an init that wants the foreground for its
// command doesn't get it.
func keyboard(t *testing.T, p initProgram) string {
	var can []string
	s := newScreen(t)
	s.start(commandOf(p, "echo up; read line; echo got $line"))
	if _, up := s.shows("up\r\n"); up {
		s.keys("this\r")
		if _, read := s.shows("got this"); read {
			can = append(can, "reads")
		}
	}
	s = newScreen(t)
	s.start(exec.Command("bash", append([]string{"-c", `set -m; "$@" & wait; echo over`, "bash"}, commandOf(p, "echo ran; exit 3").Args...)...))
	_, ran := s.shows(`ran\r+\n`)
	if _, over := s.shows("over\r\n"); ran && over {
		can = append(can, "runs in the background")
	}
	return strings.Join(can, ", ")
}

// commandOf is a shell script under an init.
func commandOf(p initProgram, script string) *exec.Cmd {
	return exec.Command(p.argv[0], slices.Concat(p.argv[1:], []string{"sh", "-c", script})...)
}

// hangup tells whether a command ends with the terminal that it was started at.
func hangup(t *testing.T, p initProgram) string {
	const mark = "86407.25"
	const terminal = `import os, pty, sys
pid, master = pty.fork()
if pid == 0: os.execvp(sys.argv[1], sys.argv[1:])
while b"up" not in os.read(master, 1000): pass`
	if err := exec.Command("python3", append([]string{"-c", terminal}, commandOf(p, "echo up; exec sleep "+mark).Args...)...).Run(); err != nil {
		return "never up"
	}
	return leaves(t, mark)
}

// leaves tells whether the processes with a mark end by themselves.
func leaves(t *testing.T, mark string) string {
	var left []string
	for end := time.Now().Add(patience / 2); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if left = processes(t, mark); len(left) == 0 {
			return "command gone"
		}
	}
	for _, pid := range left {
		n, _ := strconv.Atoi(pid)
		_ = syscall.Kill(n, syscall.SIGKILL)
	}
	return "command lives on"
}

// wakeups counts how often the scheduler ran the init's threads while the
// command sleeps.
func wakeups(t *testing.T, p initProgram) string {
	count := func(pids []int) (n int) {
		for _, pid := range pids {
			files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
			for _, file := range files {
				data, _ := os.ReadFile(file)
				for line := range strings.Lines(string(data)) {
					if _, value, ok := strings.Cut(line, "ctxt_switches:"); ok {
						switches, _ := strconv.Atoi(strings.TrimSpace(value))
						n += switches
					}
				}
			}
		}
		return n
	}
	result := ""
	session(t, p.argv, "echo up; exec sleep 60", func(c *exec.Cmd) {
		time.Sleep(time.Second) // until what starts has settled
		pids := family(c.Process.Pid, "sleep")
		before := count(pids)
		time.Sleep(2 * time.Second)
		result = strconv.Itoa(count(pids) - before)
		killAll(c)
	})
	return result
}
