package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

func init() {
	features["tmux"] = func() bool {
		return exec.Command("sh", "-c", "command -v tmux && command -v vi && command -v less").Run() == nil
	}
}

// A pane is a terminal that tmux draws.
type pane struct {
	t      *testing.T
	socket string
}

func newPane(t *testing.T, argv ...string) *pane {
	p := &pane{t, filepath.Join(t.TempDir(), "tmux")}
	p.tmux(append([]string{"-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24"}, argv...)...)
	t.Cleanup(func() { _ = exec.Command("tmux", "-S", p.socket, "kill-server").Run() })
	return p
}

func (p *pane) tmux(args ...string) string {
	p.t.Helper()
	c := exec.Command("tmux", append([]string{"-S", p.socket}, args...)...)
	c.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	out, err := c.CombinedOutput()
	if err != nil {
		p.t.Fatalf("tmux %v: %v %s", args, err, out)
	}
	return string(out)
}

func (p *pane) screen() string { return p.tmux("capture-pane", "-p", "-e") }

// sees waits until the screen shows a text.
func (p *pane) sees(text string) {
	p.t.Helper()
	for end := time.Now().Add(2 * patience); !strings.Contains(p.screen(), text); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("the screen doesn't show %q:\n%s", text, p.screen())
		}
	}
}

// press sends one or two keys, or gives the pane another height.
func (p *pane) press(keys []string) {
	p.t.Helper()
	if keys[0] == "RESIZE" {
		p.tmux("resize-window", "-x", "90", "-y", keys[1])
		return
	}
	for _, key := range keys {
		if key != "" {
			p.tmux("send-keys", key)
		}
	}
}

func twoHundredLines(t *testing.T) string {
	file := filepath.Join(t.TempDir(), "lines")
	var lines strings.Builder
	for i := range 200 {
		lines.WriteString("line " + strconv.Itoa(i) + "\n")
	}
	if err := os.WriteFile(file, []byte(lines.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// A shell in a jail looks like the bare one, key by key.
func TestScreensEqualTheBareOnes(t *testing.T) {
	if !features["tmux"]() {
		t.Skip("no tmux, vi and less")
	}
	file := twoHundredLines(t)
	bare := newPane(t, "env", "-i", "PATH="+os.Getenv("PATH"), "TERM=screen", "LANG=C.UTF-8", "bash", "--norc", "-i")
	inside := newPane(t, jail(t, "--ro", file, "--env", "LANG=C.UTF-8", "--env", "TERM=screen", "--", "bash", "--norc", "-i").Args...)
	y := newYard(t)
	y.run("run", "--name", "screen", "--detach", "--ro", file, "--", "sleep", "1000")
	y.t.Cleanup(func() { y.run("stop", "--grace", "0s", "screen") })
	entered := newPane(t, append([]string{"env", "JAILSPAWN_RUNTIME_DIR=" + y.dir}, y.cmd("exec", "-t", "--env", "LANG=C.UTF-8", "--env", "TERM=screen", "screen", "--", "bash", "--norc", "-i").Args...)...)
	all := []*pane{bare, inside, entered}
	for _, p := range all {
		p.sees("bash")
		p.tmux("send-keys", "PS1='ok: '; HISTFILE=; clear", "Enter")
	}
	for _, step := range []struct {
		name string
		keys []string
		then string // what the screen then shows
	}{
		{"prompt", []string{"echo $((6*7))", "Enter"}, "42"},
		{"interrupt", []string{"echo a; sleep 1000", "Enter"}, "\na\n"},
		{"", []string{"C-c", ""}, "^C"},
		{"stop", []string{"sh -c 'echo b; sleep 1000'", "Enter"}, "\nb\n"},
		{"", []string{"C-z", ""}, "Stopped"},
		{"fg", []string{"fg", "Enter"}, "fg\n"},
		{"", []string{"C-c", ""}, "^C"},
		{"less", []string{"clear; less " + file, "Enter"}, "line 5\n"},
		{"page", []string{"Space", ""}, "line 40\n"},
		{"quit less", []string{"q", ""}, "ok:"},
		{"vi", []string{"vi -R " + file, "Enter"}, "line 5\n"},
		{"end of file", []string{"G", ""}, "line 199\n"},
		{"stop vi", []string{"C-z", ""}, "Stopped"},
		{"go on with vi", []string{"fg", "Enter"}, "line 199\n"},
		{"smaller", []string{"RESIZE", "15"}, "line 199\n"},
		{"larger", []string{"RESIZE", "30"}, "line 199\n"},
		{"quit vi", []string{":q!", "Enter"}, "ok:"},
	} {
		for _, p := range all {
			p.press(step.keys)
			p.sees(step.then)
		}
		for _, p := range all[1:] {
			for end := time.Now().Add(2 * patience); bare.screen() != p.screen(); time.Sleep(50 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("%s: bare\n%s\ninside\n%s", step.name, bare.screen(), p.screen())
				}
			}
		}
	}
}
