package tests

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func init() {
	features["bubblewrap"] = has("bwrap")
	// A machine whose times are kept by nobody but this test.
	features["emulated"] = func() bool { return os.Getenv("JAIL_EMULATED") != "" }
}

// bubblewrapped is what bubblewrap needs to be told for what a jail is without a
// flag.
const bubblewrapped = "--unshare-all --ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64 --proc /proc --dev /dev --tmpfs /tmp /bin/true"

// A timed is one command whose starts are timed.
type timed struct {
	command  string
	limit    float64 // of its time, over that of the command before
	shortest time.Duration
}

// TestStartupTime holds starts against each other, by the shortest of each as
// others may be at work; for their sake there may be three times as many. What a
// start costs depends much on the machine: a guest whose page tables are
// shadowed by its host pays for every page that the Go runtime touches. So the
// promise is kept to where a page costs what it costs a processor, and make
// bench tells of any other machine.
func TestStartupTime(t *testing.T) {
	for _, need := range []string{"emulated", "bubblewrap"} {
		if !features[need]() {
			t.Skip("no machine for it:", need)
		}
	}
	run := filepath.Join(bin(t), "jailspawn") + " run "
	starts := []*timed{
		{command: "bwrap " + bubblewrapped},
		{command: run + "-- /bin/true", limit: 1.1},
		{command: run + "--net veth --ip 10.9.8.2/24 --gateway 10.9.8.1 -- /bin/true", limit: 1.4},
	}
	if !features["root"]() {
		starts = starts[:2]
	}
	slow := ""
	for round := range 3 {
		for range 40 {
			for _, s := range starts {
				s.start(t)
			}
		}
		if slow = slower(starts); slow == "" {
			break
		}
		t.Logf("after %d starts of each: %s", 40*(round+1), slow)
	}
	for _, s := range starts {
		t.Log(s.shortest, s.command)
	}
	if slow != "" {
		t.Error(slow)
	}
}

// start runs the command once.
func (s *timed) start(t *testing.T) {
	words := strings.Fields(s.command)
	begin := time.Now()
	out, err := exec.Command(words[0], words[1:]...).CombinedOutput()
	took := time.Since(begin)
	if err != nil {
		t.Fatalf("%s: %v\n%s", s.command, err, out)
	}
	if s.shortest == 0 || took < s.shortest {
		s.shortest = took
	}
}

// slower tells of the first command that takes too long, or returns "".
func slower(starts []*timed) string {
	for i, s := range starts[1:] {
		if ratio := float64(s.shortest) / float64(starts[i].shortest); ratio > s.limit {
			return fmt.Sprintf("%s takes %.2f of the time of %s, more than %v", s.command, ratio, starts[i].command, s.limit)
		}
	}
	return ""
}
