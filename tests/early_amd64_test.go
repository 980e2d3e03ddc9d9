package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// jailinit is started before jailspawn has looked at its arguments, and taken
// for the usual jail; for any other it is ended, and started as that wants it.
func TestJailinitStartsEarly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		args    []string
		early   bool // the first is started before the Go runtime
		dropped bool // and ended, as it doesn't suit
		inits   int  // how many there are, at most if one is dropped
		outcome string
	}{
		{"the usual", []string{"run", "--", "true"}, true, false, 1, "0"},
		{"short form", []string{"--", "true"}, true, false, 1, "0"},
		{"with flags", []string{"run", "--hostname", "h", "--tmpfs", "/x", "--", "true"}, true, false, 1, "0"},
		{"a mistake", []string{"run", "--hostnam", "h", "--", "true"}, true, true, 1, "2"},
		{"no such program", []string{"run", "--", "/nowhere"}, true, false, 1, "127"},
		{"shared network", []string{"run", "--net", "host", "--", "true"}, true, true, 2, "0"},
		{"a passed descriptor", []string{"run", "--pass-fd", "9", "--", "true"}, false, false, 1, "0"},
		{"the plan alone", []string{"plan", "--", "true"}, false, false, 0, "0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			log := filepath.Join(t.TempDir(), "log")
			args := append([]string{"-f", "-qq", "-o", log, "-e", "trace=execve,execveat", filepath.Join(bin(t), "jailspawn")}, c.args...)
			script := append([]string{"-c", `exec 9</dev/null; strace "$@"; echo "end $?"`, "sh"}, args...)
			out, _ := exec.Command("sh", script...).CombinedOutput()
			if !strings.Contains(string(out), "end "+c.outcome+"\n") {
				t.Fatalf("want status %s:\n%s", c.outcome, out)
			}
			data, err := os.ReadFile(log)
			if err != nil {
				t.Fatal(err)
			}
			text := string(data)
			started := regexp.MustCompile(`(execve|execveat)\(.*, \["jailinit"\]`).FindAllStringSubmatch(text, -1)
			// One that is not wanted may be killed before it is executed; later ones
			// are executed by path.
			killed := strings.Count(text, "+++ killed by SIGKILL +++")
			early := killed > 0 || len(started) > 0 && started[0][1] == "execveat"
			if early != c.early || (killed > 0) != c.dropped || len(started) > c.inits || !c.dropped && len(started) != c.inits {
				t.Errorf("early %v, dropped %v, %d jailinits; want %v, %v, %d:\n%s", early, killed > 0, len(started), c.early, c.dropped, c.inits, text)
			}
		})
	}
}
