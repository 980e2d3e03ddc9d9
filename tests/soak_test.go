package tests

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestShortJails starts one jail behind the other, every other one named, and
// wants nothing left: neither namespaces nor entries, descriptors or memory of
// the machine. Nor may the last take longer than the first. "make soak" runs
// ten thousand.
func TestShortJails(t *testing.T) {
	n := 300
	if long {
		n = 10_000
	}
	y := newYard(t)
	short := func(i int) time.Duration {
		args := []string{"run", "--", "true"}
		if i%2 == 0 {
			args = []string{"run", "--name", "short", "--", "true"}
		}
		start := time.Now()
		if out, err := y.cmd(args...).CombinedOutput(); err != nil {
			t.Fatalf("jail %d: %v: %s", i, err, out)
		}
		return time.Since(start)
	}
	for i := range 50 { // what the kernel keeps for the next time is there then
		short(i)
	}
	before := machineNow(t)
	// The machine may have other work now and then: what counts is the tenth
	// quickest of each hundred, and how much longer it takes than a command that
	// starts no jail.
	var took, bare []time.Duration
	for i := range n {
		took = append(took, short(i))
		if i < 100 || i >= n-100 {
			start := time.Now()
			y.run("version")
			bare = append(bare, time.Since(start))
		}
	}
	first, last := tenth(took[:100]), tenth(took[n-100:])
	ratio := float64(last) / float64(first) / (float64(tenth(bare[100:])) / float64(tenth(bare[:100])))
	t.Logf("the first hundred took %v each, the last %v; beside a bare command that is %.2f times as long", first, last, ratio)
	if long && ratio > 1.2 {
		t.Errorf("the last hundred jails took %.2f times as long as the first", ratio)
	}
	y.empty()
	settles(t, before, n)
}

// A machine is what jails could leave of a machine's, by what it is called.
type machine map[string]int

// machineNow looks at what shows: descriptors and namespaces in use, and the
// memory that the kernel holds for itself, in KiB.
func machineNow(t *testing.T) machine {
	t.Helper()
	m := machine{"namespaces": namespaces(t)}
	own, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	m["descriptors of this process"] = len(own)
	open, err := os.ReadFile("/proc/sys/fs/file-nr")
	if err != nil {
		t.Fatal(err)
	}
	m["open files"], _ = strconv.Atoi(strings.Fields(string(open))[0])
	info, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"SUnreclaim:", "Percpu:", "KernelStack:"} {
		m["kernel memory"] += number(t, string(info), key)
	}
	m["memory taken"] = number(t, string(info), "MemTotal:") - number(t, string(info), "MemAvailable:")
	return m
}

// allowed is by how much the machine may differ after n jails: others work on
// it as well, but what grew with every jail would be more.
func allowed(n int) machine {
	return machine{
		"namespaces": 20, "descriptors of this process": 0, "open files": 500 + n/4,
		"kernel memory": 20<<10 + 4*n, "memory taken": 200<<10 + 8*n,
	}
}

// settles waits until the machine is as it was. Network namespaces are freed by
// a kernel thread, in its own time.
func settles(t *testing.T, before machine, n int) {
	t.Helper()
	limit := allowed(n)
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		after, more := machineNow(t), ""
		for what := range before {
			if after[what] > before[what]+limit[what] {
				more += fmt.Sprintf(" %s: %d before, %d after;", what, before[what], after[what])
			}
		}
		if more == "" {
			t.Logf("before %v, after %v", before, after)
			return
		}
		if time.Now().After(end) {
			t.Fatal("after ", n, " jails:", more)
		}
	}
}

// TestNamespacesAreFreed runs more jails than there may be namespaces of any
// kind (the limits of /proc/sys/user, in a user namespace of the test's own): the
// kernel counts those too that no process shows.
func TestNamespacesAreFreed(t *testing.T) {
	if !features["userns"]() {
		t.Skip("no user namespaces")
	}
	limit, n := 40, 100
	if long {
		n = 1000
	}
	script := `for f in /proc/sys/user/max_*_namespaces; do echo %d >$f; done
		i=0; while [ $i -lt %d ]; do
			"$0" run -- true || { sleep 1; "$0" run -- true || exit 1; }
			i=$((i + 1)); done`
	out, err := exec.Command("unshare", "-Ur", "sh", "-c", fmt.Sprintf(script, limit, n), filepath.Join(bin(t), "jailspawn")).CombinedOutput()
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func tenth(d []time.Duration) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return d[len(d)/10]
}

// namespaces counts those that a process lives in, as lsns(8) does.
func namespaces(t *testing.T) int {
	files, err := filepath.Glob("/proc/[0-9]*/ns/*")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, file := range files {
		if ns, err := os.Readlink(file); err == nil {
			seen[ns] = true
		}
	}
	return len(seen)
}
