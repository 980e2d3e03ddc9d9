package tests

import (
	"bytes"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A screen is the test's end of a terminal that a command runs on.
type screen struct {
	t      *testing.T
	master *os.File
	tty    *os.File
	mu     sync.Mutex
	text   bytes.Buffer
}

func newScreen(t *testing.T) *screen {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := &screen{t: t, master: master, tty: tty}
	t.Cleanup(func() { tty.Close(); master.Close() })
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf)
			if err != nil {
				return
			}
			s.mu.Lock()
			s.text.Write(buf[:n])
			s.mu.Unlock()
		}
	}()
	return s
}

// start runs a command with the screen as its controlling terminal.
func (s *screen) start(c *exec.Cmd) {
	s.t.Helper()
	if c.Stdin == nil {
		c.Stdin = s.tty
	}
	if c.Stdout == nil {
		c.Stdout = s.tty
	}
	c.Stderr = s.tty
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 2}
	if err := c.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL); _ = c.Wait() })
}

func (s *screen) keys(text string) {
	if _, err := s.master.WriteString(text); err != nil {
		s.t.Error(err)
	}
}

// sees waits until the screen shows a pattern, and forgets what it showed.
func (s *screen) sees(pattern string) {
	s.t.Helper()
	if text, seen := s.shows(pattern); !seen {
		s.t.Fatalf("the screen shows %q, want %s", text, pattern)
	}
}

// shows waits for a pattern; if it doesn't come, it returns what came.
func (s *screen) shows(pattern string) (text string, seen bool) {
	re := regexp.MustCompile(pattern)
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		s.mu.Lock()
		text = s.text.String()
		at := re.FindStringIndex(text)
		if at != nil {
			s.text.Next(at[1])
		}
		s.mu.Unlock()
		if at != nil {
			return text, true
		}
	}
	return text, false
}

func (s *screen) modes() unix.Termios {
	modes, err := unix.IoctlGetTermios(int(s.tty.Fd()), unix.TCGETS)
	if err != nil {
		s.t.Fatal(err)
	}
	return *modes
}

func (s *screen) resize(rows, cols uint16) {
	if err := unix.IoctlSetWinsize(int(s.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: cols}); err != nil {
		s.t.Error(err)
	}
}

func TestTerminalOfItsOwn(t *testing.T) {
	s := newScreen(t)
	s.resize(33, 101)
	s.start(jail(t, "--", "bash", "--norc", "-i"))
	s.sees(`[$#] $`)
	s.keys("tty; stty size; PS1=ok:\r")
	s.sees(`/dev/pts/0\r\n33 101\r\n`)
	s.sees(`ok:$`)
	s.resize(20, 50)
	s.keys("stty size\r")
	s.sees(`20 50`)
	s.keys("sh -c 'echo up; exec sleep 1000'\r")
	s.sees("up\r\n")
	s.keys("\x03")
	s.sees(`ok:$`)
	s.keys("sh -c 'echo up; exec sleep 1000'\r")
	s.sees("up\r\n")
	s.keys("\x1a")
	s.sees(`Stopped`)
	s.keys("jobs\r")
	s.sees(`Stopped +sh -c`)
	s.sees(`ok:$`)
	s.keys("fg\r")
	s.sees("sleep 1000'\r\n")
	s.keys("\x03")
	s.sees(`ok:$`)
	s.keys("exit 7\r")
	s.sees(`exit\r\n`)
}

// The caller's shell does job control on jailspawn.
func TestJobControlOfTheCaller(t *testing.T) {
	s := newScreen(t)
	shell := exec.Command("bash", "--norc", "-i")
	shell.Env = append(os.Environ(), "TERM=dumb") // without escape sequences
	s.start(shell)
	s.sees(`[$#] $`)
	s.keys("PS1=host:; J='" + filepath.Join(bin(t), "jailspawn") + "'\r")
	s.sees("\nhost:$")
	before := s.modes()
	for _, tty := range []string{"auto", "never"} {
		s.keys("$J run --tty " + tty + " -- bash -c 'echo up; sleep 1000'\r")
		s.sees("up\r\n")
		s.keys("\x1a")
		s.sees("Stopped")
		s.sees("host:$")
		s.keys("bg\r")
		s.sees("host:$")
		s.keys("jobs\r")
		s.sees("Running")
		s.keys("fg\r")
		s.sees("sleep 1000'\r\n")
		s.keys("\x03")
		s.sees("host:$")
		s.keys("echo status $?\r")
		s.sees("status 130\r\nhost:$") // the modes are those of a prompt
		if after := s.modes(); after != before {
			t.Errorf("--tty %s leaves the terminal with %+v, was %+v", tty, after, before)
		}
	}
	// Lines end as they do with the bare command, also in the background and
	// where what is typed comes from elsewhere.
	for _, run := range []string{"run -- printf 'one\\ntwo\\r' & wait", "run --tty always -- printf 'one\\ntwo\\r' </dev/null"} {
		s.keys("$J " + run + "\r")
		s.sees("[^\r]one\r\ntwo\r")
		s.sees("host:$")
	}
	// A loop ends with Ctrl-C, as it does with the bare command. A shell that
	// is about to fork may miss it, jail or not.
	s.keys("for i in 1 2 3; do $J run -- sh -c 'echo turn; exec sleep 1000'; done\r")
	s.sees("turn\r\n")
	s.keys("\x03")
	s.sees("host:$")
}

// However a jail ends, the caller's terminal has its modes back.
func TestTerminalIsRestored(t *testing.T) {
	const jailspawn, jailinit, payload = "jailspawn", "jailinit", "sleep"
	kill := func(which string, sig syscall.Signal) func(*exec.Cmd) {
		return func(c *exec.Cmd) { _ = syscall.Kill(called(t, c.Process.Pid, which), sig) }
	}
	for name, act := range map[string]func(*exec.Cmd){
		"TERM to jailspawn": kill(jailspawn, syscall.SIGTERM),
		"HUP to jailspawn":  kill(jailspawn, syscall.SIGHUP),
		"QUIT to jailspawn": kill(jailspawn, syscall.SIGQUIT),
		"KILL to jailspawn": kill(jailspawn, syscall.SIGKILL),
		"KILL to jailinit":  kill(jailinit, syscall.SIGKILL),
		"KILL to payload":   kill(payload, syscall.SIGKILL),
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			s := newScreen(t)
			before := s.modes()
			c := jail(t, "--", "sh", "-c", "echo up; exec sleep 1000")
			s.start(c)
			s.sees("up\r\n")
			if s.modes() == before {
				t.Fatal("the terminal isn't raw while the jail runs")
			}
			act(c)
			if end := finish(c); end == "hangs" || end == "" {
				t.Error("end:", end)
			}
			s.becomes(before)
		})
	}
	for _, command := range []string{"/no/such", "true", "false"} {
		s := newScreen(t)
		before := s.modes()
		c := jail(t, "--", command)
		s.start(c)
		_ = finish(c)
		if after := s.modes(); after != before {
			t.Errorf("after %s, modes are %+v, were %+v", command, after, before)
		}
	}
}

// A shell that doesn't care for its terminal finds it as it was when jailspawn
// is killed, and another that does has the last word.
func TestTerminalIsRestoredForShells(t *testing.T) {
	for _, argv := range [][]string{{"dash", "-i"}, {"bash", "--norc", "-i"}} {
		t.Run(argv[0], func(t *testing.T) {
			s := newScreen(t)
			shell := exec.Command(argv[0], argv[1:]...)
			shell.Env = append(os.Environ(), "TERM=dumb")
			s.start(shell)
			s.sees(`[$#] $`)
			s.keys("PS1=host:; stty -echoctl; stty -a\r")
			s.sees("\nhost:$")
			before := s.modes()
			for _, which := range []string{"jailspawn", "jailinit", "sleep"} {
				s.keys("'" + filepath.Join(bin(t), "jailspawn") + "' run -- sh -c 'echo up; exec sleep 1000'\r")
				s.sees("up\r\n")
				_ = syscall.Kill(called(t, shell.Process.Pid, which), syscall.SIGKILL)
				s.sees("host:$")
				s.becomes(before)
				s.keys("echo a''b\r") // is echoed, and once
				s.sees(`^echo a''b\r\nab\r\n`)
				s.sees("host:$")
			}
			s.keys("exit\r")
		})
	}
}

// called returns the first process of a name that another has started.
func called(t *testing.T, pid int, name string) int {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		for _, p := range family(pid, "") {
			if comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", p)); strings.TrimSpace(string(comm)) == name {
				return p
			}
		}
	}
	t.Fatal("no process is called ", name)
	return 0
}

// becomes waits until the terminal has modes.
func (s *screen) becomes(want unix.Termios) {
	s.t.Helper()
	for end := time.Now().Add(patience); s.modes() != want; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("modes are %+v, were %+v", s.modes(), want)
		}
	}
}

// inject types into the terminal on descriptor 0, if it can.
const inject = `
import fcntl, termios
for fd in [0, 1, 2]:
    for c in [b"x", b"\n"]:
        try: fcntl.ioctl(fd, termios.TIOCSTI, c)
        except OSError as e: print("refused", e.errno)
print("tried")`

func TestNothingIsTypedForTheCaller(t *testing.T) {
	try := func(c *exec.Cmd) int {
		s := newScreen(t)
		s.start(c)
		s.sees("tried")
		_ = finish(c)
		waiting, err := unix.IoctlGetInt(int(s.tty.Fd()), unix.TIOCINQ)
		if err != nil {
			t.Fatal(err)
		}
		return waiting
	}
	if try(exec.Command("python3", "-c", inject)) == 0 {
		t.Log("this kernel lets nobody type into a terminal, so the test shows nothing")
	}
	for _, tty := range []string{"auto", "always", "never"} {
		if n := try(jail(t, "--tty", tty, "--seccomp", "none", "--", "python3", "-c", inject)); n != 0 {
			t.Errorf("--tty %s: %d bytes were typed into the caller's terminal", tty, n)
		}
	}
}

// What is not a terminal stays as it is, byte for byte.
func TestPipesStayPipes(t *testing.T) {
	data := make([]byte, 1<<20)
	rand.New(rand.NewSource(1)).Read(data)
	s := newScreen(t)
	for _, ttyOut := range []bool{false, true} {
		c := jail(t, "--", "sh", "-c", "cat; [ -p /dev/stdin ] && echo pipe >&2")
		var out bytes.Buffer
		c.Stdin = bytes.NewReader(data)
		c.Stdout = &out
		if ttyOut {
			c = jail(t, "--", "sh", "-c", "wc -c; [ -p /dev/stdin ] && echo pipe")
			c.Stdin = bytes.NewReader(data)
		}
		s.start(c)
		if ttyOut {
			s.sees(fmt.Sprint(len(data)))
		}
		s.sees("pipe")
		_ = finish(c)
		if !ttyOut && !bytes.Equal(out.Bytes(), data) {
			t.Errorf("%d bytes came out of %d, or others", out.Len(), len(data))
		}
	}
}

// Output is complete, also that which comes just before the end.
func TestTerminalLosesNothing(t *testing.T) {
	want := ""
	for i := 1; i <= 20000; i++ {
		want += strconv.Itoa(i) + "\r\n"
	}
	for range 20 {
		out, err := jail(t, "--tty", "always", "--", "seq", "20000").Output()
		if err != nil || string(out) != want {
			t.Fatalf("%v: %d bytes of %d", err, len(out), len(want))
		}
	}
	// Input that ends is an end of file inside.
	c := jail(t, "--tty", "always", "--", "sh", "-c", "stty -echo; echo up; cat; echo end")
	c.Stdin = strings.NewReader("one\ntwo")
	if out, err := c.Output(); err != nil || !strings.HasSuffix(string(out), "two"+"end\r\n") {
		t.Errorf("%v: %q", err, out)
	}
}
