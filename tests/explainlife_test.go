package tests

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// events are the sentences of plan --explain that come true when something
// happens: each probe lets it happen to a jail, and hears from inside.
var events = []struct {
	sentence string
	probe    func(t *testing.T, p *presetJail, items []string)
}{
	{`^When jailspawn ends, every process of the jail ends\.$`, endsWithJailspawn},
	{`^What the command leaves behind is asked to end, and killed after ([0-9]+) ms\.$`, leavesBehind},
	{`^What the command leaves behind is (killed at once)\.$`, leavesBehind},
	{`^It is ended after ([0-9]+) ms\.$`, endsInTime},
	{`^The caller's other jailspawn commands find the jail by the name (.*)\.$`, isFound},
	{`^In place of the caller's terminal it gets one of the jail's own\.$`, ownTerminal},
	{`^If the caller's descriptors are a terminal, it can write to it\.$`, callersTerminal},
}

// A presetJail starts jails of one preset. The probes run side by side, each
// with a runtime directory of its own, as the preset may have a name.
type presetJail struct {
	jailspawn, preset, work string
	probes                  sync.WaitGroup
}

// begin starts the probe of a sentence, if it has one here; wait for probes.
func (p *presetJail) begin(t *testing.T, sentence string) bool {
	for _, e := range events {
		if items, is := itemsOf(e.sentence, sentence); is {
			p.probes.Go(func() { e.probe(t, p, items) })
			return true
		}
	}
	return false
}

func (p *presetJail) command(runtime string, args ...string) *exec.Cmd {
	c := exec.Command(p.jailspawn, args...)
	c.Dir = p.work
	c.Env = append(os.Environ(), "JAILSPAWN_RUNTIME_DIR="+runtime)
	return c
}

// run returns the command that runs a script in a jail of the preset.
func (p *presetJail) run(t *testing.T, script string, flags ...string) *exec.Cmd {
	args := append([]string{"run", "--preset", p.preset}, flags...)
	return p.command(runtimeDir(t), append(args, "--", "sh", "-c", script)...)
}

// A talk is what the test and a script say to each other.
type talk struct {
	t    *testing.T
	cmd  *exec.Cmd
	to   io.WriteCloser
	from *os.File
	line *bufio.Reader
}

// listen starts a command; its standard output ends with the last process that
// has it.
func listen(t *testing.T, c *exec.Cmd) *talk {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	k := &talk{t: t, cmd: c, from: r, line: bufio.NewReader(r)}
	if k.to, err = c.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	c.Stdout, c.Stderr = w, os.Stderr
	err = c.Start()
	w.Close()
	if err != nil {
		t.Error(err)
	}
	_ = r.SetReadDeadline(time.Now().Add(2 * patience))
	return k
}

// hears returns the next line, or what came before the end.
func (k *talk) hears() string {
	line, err := k.line.ReadString('\n')
	if err != nil && err != io.EOF {
		k.t.Errorf("%q, and then %v", line, err)
	}
	return strings.TrimSuffix(line, "\n")
}

// close ends it, if it hasn't ended.
func (k *talk) close() error {
	k.to.Close()
	k.from.Close()
	return k.cmd.Wait()
}

func endsWithJailspawn(t *testing.T, p *presetJail, _ []string) {
	k := listen(t, p.run(t, `setsid sh -c "trap : TERM HUP; while :; do sleep 1; done" & echo up; exec sleep 1000`))
	defer k.close()
	if k.hears() != "up" {
		t.Error("the jail is not up")
	}
	if err := k.cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	if more := k.hears(); more != "" {
		t.Errorf("after jailspawn's end the jail said %q", more)
	}
}

// leavesBehind has a grace time, or none.
func leavesBehind(t *testing.T, p *presetJail, items []string) {
	k := listen(t, p.run(t, `(trap "echo asked" TERM; echo up; while :; do sleep 0.1; done) 2>/dev/null & read -r go`))
	defer k.close()
	if k.hears() != "up" {
		t.Error("nothing was left behind")
	}
	begin := time.Now()
	if _, err := io.WriteString(k.to, "go\n"); err != nil {
		t.Error(err)
	}
	said, more := k.hears(), ""
	if said != "" {
		more = k.hears()
	}
	took := time.Since(begin)
	ms, err := strconv.Atoi(items[0])
	grace := time.Duration(ms) * time.Millisecond
	if asked := err == nil; (said == "asked") != asked || more != "" || took < grace || took > grace+patience {
		t.Errorf("grace %s: it said %q and %q, and was gone after %v", items[0], said, more, took)
	}
}

// endsInTime takes a shorter time than the preset has, but in a long test.
func endsInTime(t *testing.T, p *presetJail, items []string) {
	ms, _ := strconv.Atoi(items[0])
	var flags []string
	if os.Getenv("JAIL_TEST_LONG") == "" {
		ms, flags = 1000, []string{"--timeout", "1s"}
		text, err := p.command(runtimeDir(t), append([]string{"plan", "--explain", "--preset", p.preset}, flags...)...).Output()
		if err != nil || !strings.Contains(string(text), "It is ended after 1000 ms.") {
			t.Errorf("with another time it says %s", text)
		}
	}
	begin := time.Now()
	c := p.run(t, "exec sleep 1000", flags...)
	_ = c.Run()
	if took, status := time.Since(begin), c.ProcessState.ExitCode(); status != 124 || took < time.Duration(ms)*time.Millisecond {
		t.Errorf("status %d after %v", status, took)
	}
}

func isFound(t *testing.T, p *presetJail, items []string) {
	runtime := runtimeDir(t)
	k := listen(t, p.command(runtime, "run", "--preset", p.preset, "--", "sh", "-c", "echo $$; read -r go"))
	defer k.close()
	pid := k.hears()
	exec := p.command(runtime, "exec", items[0], "--", "grep", "-aq", "read -r go", "/proc/"+pid+"/cmdline")
	if out, err := exec.CombinedOutput(); err != nil {
		t.Errorf("exec %s: %v\n%s", items[0], err, out)
	}
}

// onTerminal runs a script on a terminal whose device it knows as $TTY.
func onTerminal(t *testing.T, p *presetJail, script string) {
	s := newScreen(t)
	info, err := s.tty.Stat()
	if err != nil {
		t.Error(err)
		return
	}
	dev := strconv.FormatUint(info.Sys().(*syscall.Stat_t).Dev, 10)
	s.start(p.run(t, script, "--env", "TTY="+dev))
	if text, seen := s.shows("it is so"); !seen {
		t.Errorf("on a terminal: %s", text)
	}
}

func ownTerminal(t *testing.T, p *presetJail, _ []string) {
	onTerminal(t, p, `[ -t 0 ] && [ -t 1 ] && [ "$(stat -c %d "$(tty)")" != "$TTY" ] && echo it is so`)
}

func callersTerminal(t *testing.T, p *presetJail, _ []string) {
	onTerminal(t, p, `[ -t 1 ] && [ "$(stat -L -c %d /proc/self/fd/2)" = "$TTY" ] && echo it is so`)
}

// runtimeDir is one that jailspawn makes.
func runtimeDir(t *testing.T) string { return filepath.Join(t.TempDir(), "run") }
