package tests

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
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

// long asks for the numbers that are promised, not those that a change is
// tested with.
var long = os.Getenv("JAIL_TEST_LONG") != ""

// A yard is a runtime directory of a test's own.
type yard struct {
	t   *testing.T
	dir string
	bin string // of the binaries
}

func newYard(t *testing.T) *yard {
	y := &yard{t, filepath.Join(t.TempDir(), "run"), bin(t)}
	t.Cleanup(func() { endJails(bin(t), y.dir) })
	return y
}

// cmd returns the command jailspawn with args.
func (y *yard) cmd(args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(y.bin, "jailspawn"), args...)
	cmd.Env = append(os.Environ(), "JAILSPAWN_RUNTIME_DIR="+y.dir)
	return cmd
}

// run runs jailspawn and returns what it printed.
func (y *yard) run(args ...string) string {
	y.t.Helper()
	var stderr bytes.Buffer
	cmd := y.cmd(args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		y.t.Fatalf("jailspawn %v: %v: %s", args, err, &stderr)
	}
	return string(out)
}

// A known jail is an entry of the runtime directory.
type known struct {
	Supervisor, Init struct{ PID int }
}

func (y *yard) state(name string) (k known) {
	y.t.Helper()
	data, err := os.ReadFile(filepath.Join(y.dir, name, "state.json"))
	if err == nil {
		err = json.Unmarshal(data, &k)
	}
	if err != nil {
		y.t.Fatal(err)
	}
	return k
}

// empty wants the next command to leave nothing, and prune to find nothing.
// What was just killed may take its time to end.
func (y *yard) empty() {
	y.t.Helper()
	var left []os.DirEntry
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		y.run("ls")
		if left, _ = os.ReadDir(y.dir); len(left) == 0 {
			if found := y.run("prune"); found != "" {
				y.t.Fatalf("prune found something behind ls: %s", found)
			}
			return
		}
	}
	y.t.Fatalf("left in the runtime directory: %v", left)
}

func TestKilledInEveryOrder(t *testing.T) {
	const mark = "86403.25"
	y := newYard(t)
	for _, order := range []string{"SIP", "SPI", "ISP", "IPS", "PSI", "PIS"} {
		y.run("run", "--name", "k", "--detach", "--", "sh", "-c", "setsid sleep "+mark+" & exec sleep "+mark)
		k := y.state("k")
		payload := shown(t, mark, func(pid int) bool { return pid != k.Supervisor.PID && pid != k.Init.PID })
		for _, who := range order {
			pid := map[rune]int{'S': k.Supervisor.PID, 'I': k.Init.PID, 'P': payload}[who]
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		gone(t, mark, 10*time.Second)
		y.empty()
	}
}

func TestKilledAtRandomMoments(t *testing.T) {
	const mark = "86404.25"
	y := newYard(t)
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	t.Log("seed", seed)
	for i := range 100 {
		args := []string{"run", "--name", "r" + strconv.Itoa(i%3)}
		if i%2 == 0 {
			args = append(args, "--detach")
		}
		cmd := y.cmd(append(args, "--", "sleep", mark)...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		pause := func() { time.Sleep(time.Duration(random.IntN(60_000)) * time.Microsecond) }
		pause()
		var stop *exec.Cmd
		if i%4 < 2 { // while it is stopped
			stop = y.cmd("stop", "--grace", "20ms", "r"+strconv.Itoa(i%3))
			_ = stop.Start()
			pause()
		}
		victims := processes(t, mark)
		if i%3 == 0 { // the supervisor of a detached jail or its process 1 as well
			if data, err := os.ReadFile(filepath.Join(y.dir, "r"+strconv.Itoa(i%3), "state.json")); err == nil {
				var k known
				if json.Unmarshal(data, &k) == nil {
					victims = append(victims, strconv.Itoa(k.Init.PID), strconv.Itoa(k.Supervisor.PID))
				}
			}
		}
		for _, pid := range victims {
			if p, _ := strconv.Atoi(pid); p > 1 && random.IntN(2) == 0 {
				_ = syscall.Kill(p, syscall.SIGKILL)
			}
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if stop != nil {
			_ = stop.Wait()
		}
		for _, pid := range processes(t, mark) { // those that had luck
			if p, _ := strconv.Atoi(pid); p > 1 {
				_ = syscall.Kill(p, syscall.SIGKILL)
			}
		}
	}
	gone(t, mark, 10*time.Second)
	y.empty()
}

// TestRace lets many start a jail of one name at once.
func TestRace(t *testing.T) {
	y := newYard(t)
	for range 10 {
		const starters = 8
		codes := make(chan int, starters)
		var wg sync.WaitGroup
		for range starters {
			wg.Go(func() {
				cmd := y.cmd("run", "--name", "one", "--detach", "--", "sleep", "1000")
				_ = cmd.Run()
				codes <- cmd.ProcessState.ExitCode()
			})
		}
		wg.Wait()
		close(codes)
		count := map[int]int{}
		for code := range codes {
			count[code]++
		}
		if count[0] != 1 || count[125] != starters-1 {
			t.Fatalf("exit statuses %v: exactly one should have started", count)
		}
		y.run("stop", "one")
	}
	y.empty()
}

// TestRecycledPID forges what a killed jailspawn left: its process 1 now bears
// the number of an innocent process, which the sweep must not touch.
func TestRecycledPID(t *testing.T) {
	y := newYard(t)
	innocent := exec.Command("sleep", "1000")
	if err := innocent.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = innocent.Process.Kill(); _ = innocent.Wait() }()
	y.run("run", "--name", "f", "--detach", "--", "sleep", "1000")
	k := y.state("f")
	file := filepath.Join(y.dir, "f", "state.json")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	forged := strings.ReplaceAll(string(data), fmt.Sprintf(`"pid": %d`, k.Init.PID), fmt.Sprintf(`"pid": %d`, innocent.Process.Pid))
	if forged == string(data) {
		t.Fatal("nothing was forged")
	}
	if err := os.WriteFile(file, []byte(forged), 0o600); err != nil {
		t.Fatal(err)
	}
	// As long as the jail runs, its number leads nowhere.
	if err := y.cmd("kill", "-s", "KILL", "f").Run(); err == nil {
		t.Error("a process with another start time was taken for process 1")
	}
	_ = syscall.Kill(k.Supervisor.PID, syscall.SIGKILL)
	y.empty()
	if err := innocent.Process.Signal(syscall.Signal(0)); err != nil || len(processes(t, "sleep\x001000")) == 0 {
		t.Error("the sweep killed a process that was none of its jails'")
	}
}

// TestExecEndsWithItsCaller kills exec, and wants its process and that one's
// group gone, and the jail alive.
func TestExecEndsWithItsCaller(t *testing.T) {
	const mark = "86405.25"
	y := newYard(t)
	y.run("run", "--name", "e", "--detach", "--", "sleep", "1000")
	cmd := y.cmd("exec", "e", "--", "sh", "-c", "sleep "+mark+" & sleep "+mark)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for len(processes(t, "\x00"+mark)) < 2 && len(processes(t, mark)) < 3 {
		time.Sleep(5 * time.Millisecond)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	gone(t, mark, 10*time.Second)
	y.run("exec", "e", "--", "true")
	y.run("stop", "e")
	y.empty()
}
