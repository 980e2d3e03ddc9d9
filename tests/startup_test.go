package tests

import (
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

// TestStartupTime holds starts against each other, by the shortest of each as
// others may be at work. What a start costs depends much on the machine: a guest
// whose page tables are shadowed by its host pays for every page that the Go
// runtime touches. So the promise is kept to where a page costs what it costs a
// processor, and make bench tells of any other machine.
func TestStartupTime(t *testing.T) {
	for _, need := range []string{"emulated", "bubblewrap"} {
		if !features[need]() {
			t.Skip("no machine for it:", need)
		}
	}
	run := filepath.Join(bin(t), "jailspawn") + " run "
	starts := []struct {
		name, command string
		shortest      time.Duration
	}{
		{name: "bubblewrap", command: "bwrap " + bubblewrapped},
		{name: "jailspawn", command: run + "-- /bin/true"},
		{name: "veth", command: run + "--net veth --ip 10.9.8.2/24 --gateway 10.9.8.1 -- /bin/true"},
	}
	if !features["root"]() {
		starts = starts[:2]
	}
	for range 40 {
		for i := range starts {
			s := &starts[i]
			words := strings.Fields(s.command)
			begin := time.Now()
			out, err := exec.Command(words[0], words[1:]...).CombinedOutput()
			took := time.Since(begin)
			if err != nil {
				t.Fatalf("%s: %v\n%s", s.name, err, out)
			}
			if s.shortest == 0 || took < s.shortest {
				s.shortest = took
			}
		}
	}
	for i, limit := range []float64{1: 1.1, 2: 1.4}[:len(starts)] {
		if i == 0 {
			continue
		}
		ratio := float64(starts[i].shortest) / float64(starts[i-1].shortest)
		t.Logf("%s over %s: %.2f (%v, %v)", starts[i].name, starts[i-1].name, ratio, starts[i].shortest, starts[i-1].shortest)
		if ratio > limit {
			t.Errorf("%s takes %.2f of the time of %s, more than %v", starts[i].name, ratio, starts[i-1].name, limit)
		}
	}
}
