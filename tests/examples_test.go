package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/kballard/go-shellquote"
)

// examples are the directories under rootfs-examples: what their run line has
// to print, and the programs that they need.
var examples = map[string]struct {
	prints  []string
	needs   []string
	root    bool
	feature string // what the machine has to have; root builds it then, and an ordinary user runs it, too
}{
	"shell":    {prints: []string{`(?m)^(# |\$ )*shell$`}},
	"wrap-cc":  {prints: []string{`compiled in a jail`}, needs: []string{"cc"}},
	"python":   {prints: []string{`(?m)^42$`}, needs: []string{"/usr/bin/python3"}},
	"go-build": {prints: []string{`built in a jail`}, needs: []string{"go"}},
	"node":     {prints: []string{`built from the allowed registry`, `evil is not on the list in allowed/`, `refused, as it should be`}, needs: []string{"node", "npm"}},
	"judge":    {prints: []string{`1-right: accepted`, `2-wrong: wrong answer`, `3-slow: time limit`, `4-fails: runtime error`, `5-peeks: wrong answer`}},
	"agent": {prints: []string{
		`2 tests passed`, `(?m)^2$`, `git over loopback works`, `1 test passed`, `elsewhere.example:80 is not in allowed-servers; add it there to allow it`,
		`no way past the proxy`, `hooks are refused`, `git config is refused`, `a new .envrc is refused`, `editor settings are refused`, `no keys to be seen`,
	}, needs: []string{"git", "curl", "/usr/bin/python3"}},
	"nginx":        {prints: []string{`<h1>from a jail</h1>`}, needs: []string{"nginx", "curl"}},
	"postgres":     {prints: []string{`processed: 20/20`}, needs: []string{"pgbench", "/usr/lib/postgresql/15/bin/postgres"}},
	"two-services": {prints: []string{`the front, in front of the back`}, needs: []string{"/usr/bin/python3"}},
	"long-lived":   {prints: []string{`(?m)^kept$`}},
	"busybox":      {prints: []string{`(?m)^[1-9][0-9]+$`, `BusyBox v`}, needs: []string{"busybox"}},
	"selinux": {feature: "selinux-policy", root: true, prints: []string{
		`jail_t:s0:c1`, `of jail one`, `its own files are its own`, `so is what it has in memory`, `those of jail two are not`, `nor are the host files`,
	}},
	"apparmor": {feature: "apparmor", root: true, prints: []string{
		`jailspawn-jail \(enforce\)`, `can write`, `can not execute what it wrote`, `nor write to the host`,
	}},
	"systemd": {feature: "systemd", root: true, prints: []string{
		`(?m)^StatusText=ticking$`, `served from a jail without a network`, `(?m)^active\nactive$`,
	}},
	"debian": {prints: []string{`Debian GNU/Linux 12`, `written`}, needs: []string{"mmdebstrap"}, root: true},
}

// hasExamplePrograms reports whether this machine has what the examples need.
func hasExamplePrograms() bool {
	for _, e := range examples {
		for _, program := range e.needs {
			if _, err := exec.LookPath(program); err != nil {
				return false
			}
		}
	}
	return true
}

// TestExamples builds and runs each example by the lines of its README, in a
// copy of its directory.
func TestExamples(t *testing.T) {
	dirs, err := filepath.Glob("../rootfs-examples/*/README.md")
	if err != nil || len(dirs) != len(examples) {
		t.Errorf("%d examples have a README, %d are tested (%v)", len(dirs), len(examples), err)
	}
	for _, readme := range dirs {
		name := filepath.Base(filepath.Dir(readme))
		t.Run(name, func(t *testing.T) { runExample(t, name, filepath.Dir(readme)) })
	}
}

func runExample(t *testing.T, name, dir string) {
	example, ok := examples[name]
	if !ok {
		t.Fatal("the example is not in the table")
	}
	if example.root && os.Geteuid() != 0 {
		t.Skip("root only")
	}
	if example.feature != "" && !features[example.feature]() {
		t.Skip("this machine has no " + example.feature)
	}
	for _, program := range example.needs {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	lines := readmeLines(t, filepath.Join(dir, "README.md"))
	if len(lines) != 2 {
		t.Fatalf("the README has %d lines to paste, and not one that builds and one that runs", len(lines))
	}
	work := filepath.Join(t.TempDir(), name)
	if out, err := exec.Command("cp", "-r", dir, work).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	state := filepath.Join(t.TempDir(), "state")
	t.Cleanup(func() { stopAll(t, state) })
	paste(t, work, state, lines[0])
	run := []string{lines[1]}
	if example.feature != "" && example.feature != "systemd" {
		run = append(run, asUser(t, work, lines[1]))
	}
	for _, line := range run {
		out := paste(t, work, state, line)
		for _, want := range example.prints {
			if !regexp.MustCompile(want).MatchString(out) {
				t.Errorf("%s\ndoes not print %s:\n%s", line, want, out)
			}
		}
	}
}

// asUser gives a directory to an ordinary user and makes a line one that he
// runs.
func asUser(t *testing.T, work, line string) string {
	for dir := work; dir != os.TempDir(); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("chown", "-R", "1001:1001", work).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return "unset JAILSPAWN_RUNTIME_DIR; exec setpriv --reuid 1001 --regid 1001 --clear-groups sh -c " + shellquote.Join(line)
}

// readmeLines returns the indented lines of a text.
func readmeLines(t *testing.T, file string) []string {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(data)) {
		if code, ok := strings.CutPrefix(line, "    "); ok {
			lines = append(lines, strings.TrimSpace(code))
		}
	}
	return lines
}

// paste runs a line as a shell does, and returns all that it prints.
func paste(t *testing.T, dir, state, line string) string {
	t.Helper()
	cmd := exec.Command("sh", "-c", line)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+bin(t)+":"+os.Getenv("PATH"), "JAILSPAWN_RUNTIME_DIR="+state)
	cmd.Stdin = strings.NewReader("hostname\n")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
	return string(out)
}

// stopAll ends the jails that a failed example left.
func stopAll(t *testing.T, state string) {
	entries, _ := os.ReadDir(state)
	for _, e := range entries {
		cmd := exec.Command(filepath.Join(bin(t), "jailspawn"), "stop", "--grace", "0s", e.Name())
		cmd.Env = append(os.Environ(), "JAILSPAWN_RUNTIME_DIR="+state)
		_ = cmd.Run()
	}
}
