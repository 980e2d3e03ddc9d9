package tests

import (
	"os"
	"strings"
	"syscall"
	"testing"
)

// The tests of labels need a policy that knows them. tests/kernels loads
// those of tests/policies into emulated machines;
// other machines skip.

func hasSELinuxPolicy() bool {
	enforce, _ := os.ReadFile("/sys/fs/selinux/enforce")
	return string(enforce) == "1" && os.WriteFile("/sys/fs/selinux/context", []byte("system_u:system_r:jail_t:s0"), 0) == nil
}

func hasAppArmorProfile() bool {
	data, err := os.ReadFile("/sys/kernel/security/apparmor/profiles")
	return err == nil && strings.Contains(string(data), "jailspawn-test (enforce)")
}

// label is a jail with labels: what its payload prints and how it ends.
type label struct {
	flags  string
	script string
	stdout string // all of it
	stderr string // a part
	status int
}

// runLabels runs each row as the caller and, for root, as an ordinary user.
func runLabels(t *testing.T, rows []label) {
	t.Helper()
	callers := []*syscall.Credential{nil}
	if features["root"]() {
		callers = append(callers, &syscall.Credential{Uid: 1001, Gid: 1001})
	}
	for _, row := range rows {
		for _, who := range callers {
			cmd := jail(t, append(strings.Fields(row.flags), "--", "sh", "-c", row.script)...)
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: who}
			out := new(strings.Builder)
			errs := new(strings.Builder)
			cmd.Stdout, cmd.Stderr = out, errs
			_ = cmd.Run()
			if out.String() != row.stdout || !strings.Contains(errs.String(), row.stderr) || cmd.ProcessState.ExitCode() != row.status {
				t.Errorf("%s as %v: status %d\nstdout %q\nstderr %q", row.flags, who, cmd.ProcessState.ExitCode(), out, errs)
			}
		}
	}
}

func TestAppArmorProfile(t *testing.T) {
	if !features["apparmor-profile"]() {
		t.Skip("no test profile is loaded")
	}
	runLabels(t, []label{
		{"--apparmor-profile jailspawn-test", "cat /proc/self/attr/apparmor/current", "jailspawn-test (enforce)\n", "", 0},
		{"", "cat /proc/self/attr/apparmor/current", "unconfined\n", "", 0},
		// The profile has its say, on top of all others.
		{"--apparmor-profile jailspawn-test", "echo x >/tmp/allowed && echo x >/tmp/denied", "", "Permission denied", 2},
		{"", "echo x >/tmp/denied", "", "", 0},
		// A payload that lives in a namespace of its own has its label, too.
		{"--apparmor-profile jailspawn-test --cap-add sys_admin", "cat /proc/self/attr/apparmor/current", "jailspawn-test (enforce)\n", "", 0},
		{"--apparmor-profile no-such", "true", "", "jailspawn: label no-such: no such file or directory (hint: load the profile with apparmor_parser", 125},
	})
}

func TestSELinuxContext(t *testing.T) {
	if !features["selinux-policy"]() {
		t.Skip("no test policy is loaded")
	}
	const jail, files = "system_u:system_r:jail_t:s0", "system_u:object_r:"
	runLabels(t, []label{
		{"--selinux-label " + jail, "cat /proc/self/attr/current", jail + "\x00", "", 0},
		{"", "cat /proc/self/attr/current", "system_u:system_r:unconfined_t:s0-s0:c0.c2\x00", "", 0},
		{"--selinux-label " + jail + " --cap-add sys_admin", "cat /proc/self/attr/current", jail + "\x00", "", 0},
		// The context of the jail's files decides what the payload may do.
		{"--selinux-label " + jail, "echo x >/tmp/x", "", "", 0},
		{"--selinux-label " + jail + " --mount-context " + files + "secret_t:s0", "echo x >/tmp/x", "", "Permission denied", 2},
		{"--mount-context " + files + "secret_t:s0", "echo x >/tmp/x; stat -c %C /tmp/x /dev/pts", strings.Repeat(files+"secret_t:s0\n", 2), "", 0},
		// Two jails of one type are apart by their categories.
		{"--selinux-label " + jail + ":c1 --mount-context " + files + "file_t:s0:c1", "echo x >/tmp/x", "", "", 0},
		{"--selinux-label " + jail + ":c1 --mount-context " + files + "file_t:s0:c2", "echo x >/tmp/x", "", "Permission denied", 2},
		{"--selinux-label system_u:system_r:no_such_t:s0", "true", "", "jailspawn: label system_u:system_r:no_such_t:s0: invalid argument (hint: the loaded policy has no such context", 125},
		// Into this one the policy lets nobody under no_new_privs.
		{"--selinux-label system_u:system_r:strict_t:s0", "true", "", "jailspawn: exec sh: ", 126},
		{"--mount-context " + files + "no_such_t:s0", "true", "", "invalid argument", 125},
	})
}
