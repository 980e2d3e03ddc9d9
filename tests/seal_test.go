package tests

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// ownBinaries copies both binaries to a directory of the caller's, who may
// write to them, as after a build in his own tree.
func ownBinaries(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"jailspawn", "jailinit"} {
		data, err := os.ReadFile(filepath.Join(bin(t), name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func sums(t *testing.T, dir string) (all []byte) {
	t.Helper()
	for _, name := range []string{"jailspawn", "jailinit"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(data)
		all = append(all, sum[:]...)
	}
	return all
}

// A payload that has the owner's id on the host and can look into process 1
// still can't write to the binary that process 1 executes: CVE-2019-5736.
func TestBinariesCannotBeWritten(t *testing.T) {
	dir := ownBinaries(t)
	before := sums(t, dir)
	rights := [][]string{{"--cap-add", "sys_ptrace,dac_override"}, {"--caps", "all", "--cap-drop", "sys_admin"}}
	kinds := [][]string{{}}
	if features["root"]() {
		kinds = [][]string{{"--no-userns"}, {"--map", "identity"}, {"--map", "0:0:1"}}
		rights[1] = []string{"--caps", "seed", "--cap-drop", "sys_admin"}
	}
	for _, kind := range kinds {
		for _, right := range rights {
			flags := append(append([]string{"run"}, kind...), right...)
			name := strings.Join(flags[1:], " ")
			// The truncating open fails before the kernel looks whether the file
			// is being executed: Text file busy would be luck that ends with the
			// jail. What holds on to the file tries to the last moment.
			cmd := exec.Command(filepath.Join(dir, "jailspawn"), append(flags, "--", "bash", "-c", `
				exec 9</proc/1/exe || exit 1
				: >/proc/1/exe
				: >/proc/self/fd/9
				for i in 1 2 3; do
					(trap "" HUP TERM; while :; do { echo planted 1<>/proc/self/fd/9 >&0; } 0<>/proc/self/fd/9; done) 2>/dev/null &
				done
				exit 0`)...)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("%s: the payload couldn't open /proc/1/exe, so nothing was tested: %v %s", name, err, out)
			}
			if features["root"]() && strings.Count(string(out), "Read-only file system") != 2 {
				t.Errorf("%s: not refused by a read-only file system: %s", name, out)
			}
			if !bytes.Equal(before, sums(t, dir)) {
				t.Fatalf("%s: a binary was changed", name)
			}
		}
	}
}

// An ordinary user's jailinit that can be looked into is a sealed copy; the
// others need none, as they can't be looked into.
func TestOrdinaryJailinitIsSealedWhereReachable(t *testing.T) {
	if features["root"]() {
		t.Skip("root's is on a read-only mount")
	}
	dir := ownBinaries(t)
	for _, row := range []struct{ caps, want string }{
		{"sys_ptrace", "/memfd:jailinit (deleted)\n"},
		{"sys_admin", ""},
	} {
		out, _ := exec.Command(filepath.Join(dir, "jailspawn"), "run", "--cap-add", row.caps, "--", "readlink", "/proc/1/exe").Output()
		if string(out) != row.want {
			t.Errorf("with %s /proc/1/exe is %q, want %q", row.caps, out, row.want)
		}
	}
}

// A script whose interpreter is /proc/self/exe runs whatever process 1 was
// before it, jailinit, and this in a jail is no way to it either.
func TestInterpreterIsNoWayToJailinit(t *testing.T) {
	dir := ownBinaries(t)
	before := sums(t, dir)
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte("#!/proc/self/exe\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	flags := []string{"run", "--ro", script + ":/script"}
	if features["root"]() {
		flags = append(flags, "--no-userns")
	}
	out, err := exec.Command(filepath.Join(dir, "jailspawn"), append(flags, "--", "/script")...).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "jailinit: ") {
		t.Errorf("%v: %s", err, out)
	}
	if !bytes.Equal(before, sums(t, dir)) {
		t.Error("a binary was changed")
	}
}

// The jails of a user who owns jailinit execute one sealed file, not one each,
// and don't trust a process 1 that executes another.
func TestSealedFileIsShared(t *testing.T) {
	if features["root"]() {
		t.Skip("root's is no copy")
	}
	y := newYard(t)
	y.bin = ownBinaries(t)
	program := func(name string) uint64 {
		var st syscall.Stat_t
		if err := syscall.Stat(fmt.Sprintf("/proc/%d/exe", y.state(name).Init.PID), &st); err != nil {
			t.Fatal(err)
		}
		return st.Ino
	}
	start := func(name string, args ...string) {
		y.run(append(append([]string{"run", "--name", name, "--detach"}, args...), "--", "sleep", "1000")...)
	}
	start("a")
	start("b")
	y.run("stop", "--grace", "0s", "a")
	start("c")
	if b, c := program("b"), program("c"); b != c {
		t.Errorf("two jails execute the files %d and %d", b, c)
	}
	y.run("stop", "--grace", "0s", "b")
	y.run("exec", "c", "--", "true")
	// An update is another file.
	file := filepath.Join(y.bin, "jailinit")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(data, 0), 0o755); err != nil {
		t.Fatal(err)
	}
	start("d")
	if c, d := program("c"), program("d"); c == d {
		t.Error("a file that differs from jailinit was executed")
	}
}
