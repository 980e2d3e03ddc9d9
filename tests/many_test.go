package tests

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// atOnce calls f for 0 to n-1, a few at a time.
func atOnce(n int, f func(i int)) {
	var wg sync.WaitGroup
	limit := make(chan struct{}, 4)
	for i := range n {
		limit <- struct{}{}
		wg.Go(func() {
			defer func() { <-limit }()
			f(i)
		})
	}
	wg.Wait()
}

// TestManyJails runs many named jails at once, enters and stops each.
func TestManyJails(t *testing.T) {
	n := 40
	if long {
		n = min(300, spareKeys(t))
	}
	t.Log(n, "jails")
	y := newYard(t)
	name := func(i int) string { return "many" + strconv.Itoa(i) }
	atOnce(n, func(i int) {
		if out, err := y.cmd("run", "--name", name(i), "--detach", "--", "sleep", "1000").CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
	if t.Failed() {
		return
	}
	if lines := strings.Count(y.run("ls"), "\n"); lines != n+1 {
		t.Errorf("ls has %d lines, want %d", lines, n+1)
	}
	atOnce(n, func(i int) {
		if out, err := y.cmd("exec", name(i), "--", "sh", "-c", "echo $PPID").CombinedOutput(); err != nil || string(out) != "1\n" {
			t.Errorf("exec %s: %v: %s", name(i), err, out)
		}
	})
	atOnce(n, func(i int) {
		if out, err := y.cmd("stop", name(i)).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
	y.empty()
}

// spareKeys is how many keys the caller's quota leaves, less those for exec: each
// jail has a session keyring, and an ordinary user 200 keys by default.
func spareKeys(t *testing.T) int {
	t.Helper()
	data, err := os.ReadFile("/proc/key-users")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		words := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == ':' || r == '/' || r == '\n' })
		if len(words) > 5 && words[0] == strconv.Itoa(os.Geteuid()) {
			used, _ := strconv.Atoi(words[4])
			quota, _ := strconv.Atoi(words[5])
			return quota - used - 10
		}
	}
	return 190
}

// TestMemoryOfIdleJails adds up what is resident for each of 20 idle jails,
// jailspawn and jailinit, shared pages by their share (PSS of
// proc_pid_smaps(5)).
func TestMemoryOfIdleJails(t *testing.T) {
	const n = 20
	const limit = 1200
	y := newYard(t)
	for i := range n {
		y.run("run", "--name", "idle"+strconv.Itoa(i), "--detach", "--", "sleep", "1000")
	}
	sum, watchers := 0, 0
	for i := range n {
		k := y.state("idle" + strconv.Itoa(i))
		own := pss(t, k.Supervisor.PID)
		watchers += own
		sum += own + pss(t, k.Init.PID)
	}
	t.Logf("%d KiB for each of %d jails, of it jailspawn %d", sum/n, n, watchers/n)
	if sum/n > limit {
		t.Errorf("an idle jail takes %d KiB, the limit is %d", sum/n, limit)
	}
}

func pss(t *testing.T, pid int) int {
	t.Helper()
	// As an ordinary user one may not look into process 1 of a jail, which is
	// not dumpable; what it has resident of its own is an upper bound then.
	file := "/proc/" + strconv.Itoa(pid) + "/smaps_rollup"
	data, err := os.ReadFile(file)
	if err == nil {
		return number(t, string(data), "Pss:")
	}
	data, err = os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		t.Fatal(err)
	}
	return number(t, string(data), "RssAnon:")
}

func number(t *testing.T, text, key string) int {
	t.Helper()
	for s := bufio.NewScanner(strings.NewReader(text)); s.Scan(); {
		if words := strings.Fields(s.Text()); len(words) > 1 && words[0] == key {
			n, err := strconv.Atoi(words[1])
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("no ", key)
	return 0
}
