package seccomp

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// current compares a generated file with what it should be, and writes it if
// UPDATE is set.
func current(t *testing.T, file, want string) {
	t.Helper()
	got, err := os.ReadFile(file)
	if err == nil && string(got) == want {
		return
	}
	if os.Getenv("UPDATE") == "" {
		t.Fatalf("%s is not current (hint: go generate ./setup/seccomp)", file)
	}
	if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestSyscallsCurrent holds the table of calls against the numbers that x/sys
// has from the kernel's own tables.
func TestSyscallsCurrent(t *testing.T) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/sys").Output()
	if err != nil {
		t.Skip("needs the go command: ", err)
	}
	calls := map[string]*[archCount]int{}
	for a, goarch := range map[arch]string{amd64: "amd64", i386: "386", arm64: "arm64", arm: "arm"} {
		file := filepath.Join(strings.TrimSpace(string(dir)), "unix", "zsysnum_linux_"+goarch+".go")
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^\s*SYS_(\w+)\s*=\s*(\d+)$`).FindAllStringSubmatch(string(data), -1) {
			n, _ := strconv.Atoi(m[2])
			if name := strings.ToLower(m[1]); !notCalls[name] {
				set(calls, name, a, n)
			}
		}
	}
	for name, n := range x32Only {
		set(calls, name, x32, n)
	}
	for name, n := range armPrivate {
		set(calls, name, arm, n)
	}
	var lines []string
	for name, numbers := range calls {
		line := name
		for _, n := range numbers {
			if n == noCall {
				line += " -"
			} else {
				line += fmt.Sprintf(" %d", n)
			}
		}
		lines = append(lines, line+"\n")
	}
	slices.Sort(lines)
	current(t, "syscalls.txt", strings.Join(lines, ""))
}

func set(calls map[string]*[archCount]int, name string, a arch, n int) {
	if calls[name] == nil {
		calls[name] = &[archCount]int{noCall, noCall, noCall, noCall, noCall}
	}
	calls[name][a] = n
}

// x32Only are the calls that x32 has under a number of its own
// (arch/x86/entry/syscalls/syscall_64.tbl); all others it shares with amd64.
var x32Only = map[string]int{
	"rt_sigaction": 512, "rt_sigreturn": 513, "ioctl": 514, "readv": 515, "writev": 516, "recvfrom": 517,
	"sendmsg": 518, "recvmsg": 519, "execve": 520, "ptrace": 521, "rt_sigpending": 522,
	"rt_sigtimedwait": 523, "rt_sigqueueinfo": 524, "sigaltstack": 525, "timer_create": 526,
	"mq_notify": 527, "kexec_load": 528, "waitid": 529, "set_robust_list": 530, "get_robust_list": 531,
	"vmsplice": 532, "move_pages": 533, "preadv": 534, "pwritev": 535, "rt_tgsigqueueinfo": 536,
	"recvmmsg": 537, "sendmmsg": 538, "process_vm_readv": 539, "process_vm_writev": 540,
	"setsockopt": 541, "getsockopt": 542, "io_setup": 543, "io_submit": 544, "execveat": 545,
	"preadv2": 546, "pwritev2": 547,
}

// armPrivate are arm's own calls (arch/arm/include/uapi/asm/unistd.h), without
// which no 32-bit program gets as far as main.
var armPrivate = map[string]int{
	"breakpoint": 0xf0001, "cacheflush": 0xf0002, "usr26": 0xf0003, "usr32": 0xf0004, "set_tls": 0xf0005, "get_tls": 0xf0006,
}

// notCalls are names in x/sys that stand for no call.
var notCalls = map[string]bool{"arch_specific_syscall": true, "syscall_mask": true}

// TestDefaultCurrent holds the programs that are built in against the text of
// the default policy.
func TestDefaultCurrent(t *testing.T) {
	p, err := Parse([]string{"include default"})
	if err != nil {
		t.Fatal(err)
	}
	for _, goarch := range []string{"amd64", "arm64"} {
		program, err := p.Assemble(goarch, &Conditions{})
		if err != nil {
			t.Fatal(err)
		}
		current(t, "default."+goarch+".bpf", string(program))
		t.Logf("%s: %d instructions", goarch, len(program)/instructionSize)
	}
	named := map[string]bool{}
	for _, r := range p.rules {
		for _, word := range append(r.when, r.unless...) {
			named[word] = true
		}
	}
	for _, word := range defaultConditions {
		if !named[word] {
			t.Errorf("defaultConditions has %s, which the default policy doesn't name", word)
		}
		delete(named, word)
	}
	for word := range named {
		t.Errorf("defaultConditions lacks %s", word)
	}
}

// TestGroups finds calls that no group has, and members that are no call.
func TestGroups(t *testing.T) {
	tab := tables()
	grouped := map[string]bool{}
	for group, calls := range tab.groups {
		for _, call := range calls {
			if _, ok := tab.calls[call]; !ok {
				t.Errorf("%s has %s, which is no call", group, call)
			}
			grouped[call] = true
		}
	}
	for call := range tab.calls {
		if !grouped[call] {
			t.Errorf("%s is in no group", call)
		}
	}
}
