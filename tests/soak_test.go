package tests

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
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
	short := func(i int) cost {
		args := []string{"run", "--", "true"}
		if i%2 == 0 {
			args = []string{"run", "--name", "short", "--", "true"}
		}
		c := y.cmd(args...)
		start := time.Now()
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("jail %d: %v: %s", i, err, out)
		}
		used := c.ProcessState.SysUsage().(*syscall.Rusage)
		return cost{time.Since(start), c.ProcessState.UserTime() + c.ProcessState.SystemTime(), int(used.Nvcsw)}
	}
	for i := range 50 { // what the kernel keeps for the next time is there then
		short(i)
	}
	before := machineNow(t)
	quiet := load(t) < runtime.NumCPU()
	var hundred []cost
	var first, last cost
	for i := range n {
		hundred = append(hundred, short(i))
		if i%100 == 99 {
			if last, hundred = tenth(hundred), nil; i == 99 {
				first = last
			}
			if i%1000 == 99 || i == n-1 {
				t.Logf("after %d jails each takes %v, %v of it processor time, %d waits", i+1, last.wall, last.cpu, last.waits)
			}
		}
	}
	// On a machine that has other work only the work itself can be compared.
	if quiet = quiet && load(t) < runtime.NumCPU(); long && !quiet {
		t.Log("the machine was too busy to compare times")
	}
	if long && (quiet && last.wall > first.wall*12/10 || last.cpu > first.cpu*12/10 || last.waits > first.waits*12/10) {
		t.Errorf("the first hundred jails took %+v each, the last %+v", first, last)
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

// A cost is what one jail takes: time, processor time of all its processes that
// were waited for, and how often these waited for something.
type cost struct {
	wall, cpu time.Duration
	waits     int
}

// tenth is the tenth lowest of each, as the machine may have other work now and
// then.
func tenth(all []cost) cost {
	at := len(all) / 10
	var c cost
	slices.SortFunc(all, func(a, b cost) int { return cmp.Compare(a.wall, b.wall) })
	c.wall = all[at].wall
	slices.SortFunc(all, func(a, b cost) int { return cmp.Compare(a.cpu, b.cpu) })
	c.cpu = all[at].cpu
	slices.SortFunc(all, func(a, b cost) int { return cmp.Compare(a.waits, b.waits) })
	c.waits = all[at].waits
	return c
}

// load is how many processes wanted to run, on an average of the last minute.
func load(t *testing.T) int {
	t.Helper()
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.ParseFloat(strings.Fields(string(data))[0], 64)
	if err != nil {
		t.Fatal(err)
	}
	return int(n)
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
