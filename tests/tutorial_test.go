package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestTutorial pastes the lines of the tutorial into a shell, from the first to
// the last, and wants each to work and the whole to show what it says.
func TestTutorial(t *testing.T) {
	data, err := os.ReadFile("../man/jailspawn-tutorial.7")
	if err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	inside, command := false, false
	for line := range strings.Lines(string(data)) {
		switch {
		case strings.HasPrefix(line, ".Bd -literal"):
			inside = true
		case strings.HasPrefix(line, ".Ed"):
			inside, command = false, false
		case inside && strings.HasPrefix(line, "$ "):
			script.WriteString(line[2:])
			command = true
		case inside && command: // a here-document goes on
			script.WriteString(strings.TrimPrefix(line, `\&`))
		}
	}
	place := filepath.Join(t.TempDir(), "jails")
	state := filepath.Join(t.TempDir(), "state")
	t.Cleanup(func() { stopAll(t, state) })
	shell := exec.Command("sh", "-e")
	shell.Stdin = strings.NewReader(strings.ReplaceAll(script.String(), "/tmp/jails", place))
	shell.Env = append(os.Environ(), "PATH="+bin(t)+":"+os.Getenv("PATH"), "JAILSPAWN_RUNTIME_DIR="+state)
	out, err := shell.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{
		"jailinit", "CapEff:\t0000000000000000", "status 7", "made inside", "\n42\n", "refused", "nothing there",
		`"version": 1`, "The host's", "/data/answer\n", "\ncount\n", "roo: unknown key (hint: did you mean ro", "status 2",
		"\nbuild\n", "clock",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the tutorial doesn't show %q:\n%s", want, out)
		}
	}
}
