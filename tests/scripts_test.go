// Package tests holds the black-box tests of the two built binaries. They run
// as whoever starts them: the suite is run as root and as an ordinary user.
package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// bin is the directory of the built binaries.
func bin(t testing.TB) string {
	dir := os.Getenv("JAIL_BIN")
	if dir == "" {
		dir = "../bin"
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "jailinit")); err != nil {
		t.Fatalf("%v (hint: run the tests with make test)", err)
	}
	return dir
}

// features are what a machine may lack; JAIL_TEST_REQUIRE lists those whose
// absence is a failure and no reason to skip.
var features = map[string]func() bool{
	"userns":  func() bool { return exec.Command("unshare", "-Ur", "true").Run() == nil },
	"netns":   func() bool { return exec.Command("unshare", "-Urn", "true").Run() == nil },
	"cgroup":  canLimit,
	"cgroup2": canPause,
	"root":    func() bool { return os.Geteuid() == 0 },
	"selinux": func() bool { return exec.Command("grep", "-q", "selinuxfs", "/proc/filesystems").Run() == nil },
	"apparmor": func() bool {
		return exec.Command("grep", "-q", "Y", "/sys/module/apparmor/parameters/enabled").Run() == nil
	},
	// A systemd that runs the machine and may be given units by the tests.
	"systemd": func() bool { return os.Getenv("JAIL_SYSTEMD") != "" },
	// The policies of tests/policies.
	"selinux-policy":   hasSELinuxPolicy,
	"apparmor-profile": hasAppArmorProfile,
	// Hard limits can be raised.
	"sysresource": func() bool { return exec.Command("sh", "-c", "ulimit -n 64 && ulimit -H -n 65").Run() == nil },
	// Many ids: root has them; anybody else needs newuidmap and a range.
	"mapauto": func() bool {
		return os.Geteuid() == 0 || exec.Command("unshare", "-r", "--map-auto", "true").Run() == nil
	},
	// More than an ordinary share of the processors.
	"sysnice": func() bool { return os.Geteuid() == 0 && exec.Command("chrt", "-f", "1", "true").Run() == nil },
	// Devices and packet filters, in a network namespace of one's own.
	"veth":    inNetwork("ip", "link", "add", "type", "veth"),
	"macvlan": inNetwork("sh", "-c", "ip link add p0 type veth && ip link add link p0 type macvlan"),
	"ipvlan":  inNetwork("sh", "-c", "ip link add p0 type veth && ip link add link p0 type ipvlan"),
	"nft":     inNetwork("nft", "add table inet t"),
	// A device that jails may take from this machine.
	"nic":   func() bool { return os.Getenv("JAIL_TEST_NIC") != "" },
	"pasta": func() bool { return exec.Command("sh", "-c", "command -v pasta && : <>/dev/net/tun").Run() == nil },

	"busybox":  has("busybox"),
	"squashfs": has("mksquashfs"),
	"erofs":    has("mkfs.erofs"),
	"ext4":     has("mkfs.ext4"),
	"examples": hasExamplePrograms,
	"loop":     func() bool { return os.Geteuid() != 0 || exec.Command("losetup", "-f").Run() == nil },
}

// canPause is a probe for a cgroup of version 2 in which jails can have theirs.
func canPause() bool {
	return exec.Command(filepath.Join(os.Getenv("JAIL_BIN"), "jailspawn"), "run", "--cgroup", "--", "true").Run() == nil
}

// has is a probe for a program.
func has(program string) func() bool {
	return func() bool {
		_, err := exec.LookPath(program)
		return err == nil
	}
}

func inNetwork(command ...string) func() bool {
	return func() bool { return exec.Command("unshare", append([]string{"-Urn"}, command...)...).Run() == nil }
}

func TestRequired(t *testing.T) {
	for _, name := range strings.FieldsFunc(os.Getenv("JAIL_TEST_REQUIRE"), func(r rune) bool { return r == ',' }) {
		probe, known := features[name]
		if !known {
			t.Errorf("JAIL_TEST_REQUIRE names %q, which is no feature", name)
		} else if !probe() {
			t.Errorf("this machine lacks %s, which JAIL_TEST_REQUIRE lists", name)
		}
	}
}

func TestScripts(t *testing.T) {
	dir := bin(t)
	repo, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOTMPDIR", t.TempDir()) // testscript leaves an empty directory there
	testscript.Run(t, testscript.Params{
		Dir:                 "scripts",
		RequireExplicitExec: true,
		UpdateScripts:       os.Getenv("UPDATE") != "",
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", dir+":"+os.Getenv("PATH"))
			e.Setenv("BIN", dir)
			e.Setenv("REPO", repo)
			e.Setenv("JAIL_TEST_NIC", os.Getenv("JAIL_TEST_NIC"))
			e.Setenv("UID", strconv.Itoa(os.Geteuid()))
			e.Defer(func() { endJails(dir, filepath.Join(e.WorkDir, "run")) })
			return os.Chmod(e.WorkDir, 0o755)
		},
		Condition: func(name string) (bool, error) { return features[name](), nil },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status": status,
			"until":  until,
		},
	})
}

// status runs a command and compares its exit status: status N CMD ...
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N command ...")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	if err != nil {
		exit, ok := err.(*exec.ExitError)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit status %d, want %s", got, args[0])
	}
}

// until repeats a command until it succeeds, a number of seconds at most:
// until SECONDS CMD ...
func until(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: [!] until seconds command ...")
	}
	seconds, err := strconv.Atoi(args[0])
	ts.Check(err)
	for end := time.Now().Add(time.Duration(seconds) * time.Second); ; time.Sleep(10 * time.Millisecond) {
		err := ts.Exec(args[1], args[2:]...)
		if (err == nil) != neg {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("not within %d seconds: %v", seconds, err)
		}
	}
}

// endJails ends the named jails of a runtime directory: a script that failed
// may have left some.
func endJails(bin, runtimeDir string) {
	entries, _ := os.ReadDir(runtimeDir)
	for _, e := range entries {
		cmd := exec.Command(filepath.Join(bin, "jailspawn"), "kill", "-s", "KILL", e.Name())
		cmd.Env = append(os.Environ(), "JAILSPAWN_RUNTIME_DIR="+runtimeDir)
		_ = cmd.Run()
	}
}
