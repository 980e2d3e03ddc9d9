package tests

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jailspawn/jailspawn/setup/seccomp"
)

// mark is an errno that no call of these tests gives by itself.
const mark = "77"

// aCall is one way to make a call that the default policy refuses.
type aCall struct{ abi, name, args string }

const (
	newUser = 0x10000000
	creat   = 0o100
	tmpFile = 0o20000000
	suid    = 0o4000
	sgid    = 0o2000
)

// refusals are the arguments with which the calls that have tests are refused.
// They are made as 64-bit, x32 and 32-bit code where the call exists; wide ones
// don't fit a 32-bit argument.
var refusals = map[string][]string{
	"unshare": {hex(newUser), hex(newUser | 1<<40)}, "clone": {hex(newUser), hex(newUser | 17), hex(newUser | 1<<40)},
	"chmod": {"0," + hex(suid), "0," + hex(sgid|0o755)}, "fchmod": {"99," + hex(suid), "99," + hex(sgid)},
	"creat": {"0," + hex(suid)}, "mkdir": {"0," + hex(sgid)}, "mknod": {"0," + hex(suid|0o755)},
	"fchmodat": {"0,0," + hex(suid)}, "fchmodat2": {"0,0," + hex(sgid)}, "mkdirat": {"0,0," + hex(suid)}, "mknodat": {"0,0," + hex(suid)},
	"open":       {"0," + hex(creat) + "," + hex(suid), "0," + hex(tmpFile) + "," + hex(sgid)},
	"openat":     {"0,0," + hex(creat) + "," + hex(suid), "0,0," + hex(tmpFile) + "," + hex(sgid)},
	"ioctl":      {"0,0x5412", "0,0x541c", "0,0x100005412", "0,0xffffffff0000541c"},
	"socket":     {"40,1", "38,5", "3,3", "9,1", "29,3", "44,3", "0x100000028,1", "16,3,12", "16,3,6", "16,3,21"},
	"socketcall": {"1,0"},
}

func hex(n uint64) string { return fmt.Sprintf("%#x", n) }

// numbers reads the table of system calls: amd64, x32, i386.
func numbers() map[string][3]string {
	text, _ := seccomp.Lists()
	calls := map[string][3]string{}
	for line := range strings.Lines(text) {
		w := strings.Fields(line)
		calls[w[0]] = [3]string{w[1], w[2], w[3]}
	}
	return calls
}

// members reads the groups of system calls.
func members() map[string][]string {
	_, text := seccomp.Lists()
	groups := map[string][]string{}
	for line := range strings.Lines(text) {
		name, list, ok := strings.Cut(line, ": ")
		if !ok || name[0] != '@' {
			continue
		}
		for _, w := range strings.Fields(list) {
			if w[0] == '@' {
				groups[name] = append(groups[name], groups[w]...)
			} else {
				groups[name] = append(groups[name], w)
			}
		}
	}
	return groups
}

func init() { features["ia32"] = func() bool { return rawcall("i386:20:0").Run() == nil } }

// rawcall is this program under the name that makes it make system calls.
func rawcall(calls ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return &exec.Cmd{Path: self, Args: append([]string{"rawcall"}, calls...)}
}

// callsOf lists the ways to make what a line of the policy refuses.
func callsOf(line string) []aCall {
	words := strings.Fields(regexp.MustCompile(` (if|unless) .*`).ReplaceAllString(line, ""))[1:]
	var calls []aCall
	groups, numbers, ia32 := members(), numbers(), features["ia32"]()
	for _, word := range words {
		names := []string{word}
		if word[0] == '@' {
			names = groups[word]
		}
		for _, name := range names {
			args, ok := refusals[name]
			if !ok {
				args = []string{"0"}
			}
			for _, a := range args {
				wide := regexp.MustCompile(`0x[0-9a-f]{9,}`).MatchString(a)
				for i, abi := range []string{"amd64", "x32", "i386"} {
					number := numbers[name][i]
					if abi == "x32" && number == "-" {
						number = numbers[name][0]
					}
					if number != "-" && (abi != "i386" || (ia32 && !wide)) {
						calls = append(calls, aCall{abi, name, number + ":" + a})
					}
				}
			}
		}
	}
	return calls
}

// errnos makes the calls in a jail under a policy and returns their errnos.
func errnos(t *testing.T, policy string, calls []aCall) []string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"run", "--seccomp", policy, "--mount", "type=bind,optional,source=" + self + ",target=/rawcall", "--", "/rawcall"}
	for _, c := range calls {
		args = append(args, c.abi+":"+c.args)
	}
	out, err := exec.Command(filepath.Join(bin(t), "jailspawn"), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	got := strings.Fields(string(out))
	if len(got) != len(calls) {
		t.Fatalf("%d answers to %d calls: %s", len(got), len(calls), out)
	}
	return got
}

// TestSeccompDefaultRefuses makes every call that the default policy refuses, as
// 64-bit, x32 and 32-bit code. In place of the policy's errnos stands a mark, so
// that nothing but the filter can be the cause; and with each rule taken out in
// turn the mark must be gone from that rule's calls.
func TestSeccompDefaultRefuses(t *testing.T) {
	out, err := exec.Command(filepath.Join(bin(t), "jailspawn"), "seccomp", "default").Output()
	if err != nil {
		t.Fatal(err)
	}
	rule := regexp.MustCompile(`^deny (E[A-Z]+ )?`)
	lines := strings.Split(string(out), "\n")
	for i, line := range lines {
		lines[i] = regexp.MustCompile(` unless .*`).ReplaceAllString(rule.ReplaceAllString(line, "deny "+mark+" "), "")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(lines []string) string {
		file := filepath.Join(dir, "policy")
		if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}
	perLine := make([][]aCall, len(lines))
	var all []aCall
	for i, line := range lines {
		if strings.HasPrefix(line, "deny ") {
			perLine[i] = callsOf(strings.Replace(line, mark+" ", "", 1))
			all = append(all, perLine[i]...)
		}
	}
	for i, errno := range errnos(t, write(lines), all) {
		if errno != mark {
			t.Errorf("%s is not refused: errno %s", all[i], errno)
		}
	}
	t.Logf("%d calls, with 32-bit code: %v", len(all), features["ia32"]())
	if testing.Short() {
		return
	}
	for i, calls := range perLine {
		if len(calls) == 0 {
			continue // no rule, or one about calls that can't be made here
		}
		without := errnos(t, write(slices.Delete(slices.Clone(lines), i, i+1)), calls)
		if !slices.ContainsFunc(without, func(e string) bool { return e != mark }) {
			t.Errorf("%q: taken out, and all its calls are refused all the same", lines[i])
		}
	}
}
