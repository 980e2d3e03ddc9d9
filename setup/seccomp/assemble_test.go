package seccomp

import (
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// ask returns what a policy answers to a call on one abi.
func ask(t *testing.T, program []byte, audit uint32, number int, args ...uint64) Action {
	t.Helper()
	words := call{offsetNumber: uint32(number), offsetArch: audit}
	for i := range 6 {
		var v uint64
		if i < len(args) {
			v = args[i]
		}
		words[offsetArgs+8*uint32(i)], words[offsetArgs+8*uint32(i)+4] = uint32(v), uint32(v>>32)
	}
	action, sure := simulate(program, words)
	if !sure {
		t.Fatal("the program is none that the kernel would take")
	}
	return action
}

func assemble(t *testing.T, goarch string, c *Conditions, lines ...string) []byte {
	t.Helper()
	p, err := Parse(lines)
	if err != nil {
		t.Fatal(err)
	}
	program, err := p.Assemble(goarch, c)
	if err != nil {
		t.Fatal(err)
	}
	return program
}

func TestTests(t *testing.T) {
	const big = 1<<40 | 7
	for _, c := range []struct {
		line string
		args []uint64
		want bool // the rule matches
	}{
		{"arg0 == 7", []uint64{7}, true},
		{"arg0 == 7", []uint64{big}, false},
		{"arg0.low == 7", []uint64{big}, true},
		{"arg0 != 7", []uint64{7}, false},
		{"arg0 != 7", []uint64{big}, true},
		{"arg0 < 7", []uint64{6}, true},
		{"arg0 < 7", []uint64{7}, false},
		{"arg0 < 7", []uint64{1 << 40}, false},
		{"arg0.low < 7", []uint64{1 << 40}, true},
		{"arg0 <= 7", []uint64{7}, true},
		{"arg0 <= 7", []uint64{8}, false},
		{"arg0 <= 0x10000000007", []uint64{8}, true},
		{"arg0 > 7", []uint64{7}, false},
		{"arg0 > 7", []uint64{1 << 40}, true},
		{"arg0 >= 7", []uint64{7}, true},
		{"arg0 >= 0x10000000000", []uint64{0xffffffff}, false},
		{"arg0 & 0x6", []uint64{1}, false},
		{"arg0 & 0x6", []uint64{4}, true},
		{"arg0 & 0x10000000000", []uint64{1 << 40}, true},
		{"arg0 & 0x10000000000", []uint64{1}, false},
		{"arg0 & 0xff == 7", []uint64{big}, true},
		{"arg0 & 0x100000000ff == 7", []uint64{big}, false},
		{"arg5 == 1 and arg0 == 2", []uint64{2, 0, 0, 0, 0, 1}, true},
		{"arg5 == 1 and arg0 == 2", []uint64{2}, false},
	} {
		program := assemble(t, "amd64", &Conditions{}, "otherwise allow", "deny 77 read if "+c.line)
		got := ask(t, program, unix.AUDIT_ARCH_X86_64, 0, c.args...) == Deny(77)
		if got != c.want {
			t.Errorf("%s with %x: matches %v", c.line, c.args, got)
		}
	}
}

// TestLastLineDecides goes through every call of every abi, with and without
// arguments, and compares the program with the rules read one by one.
func TestLastLineDecides(t *testing.T) {
	lines := []string{
		"otherwise deny 1", "unknown deny 2",
		"allow @file-system @process",
		"deny 3 @file-write if arg1 & 1",
		"allow chmod mkdir if arg1 == 3",
		"log write",
		"deny 4 @clock when sys_time",
		"deny 5 @clock unless sys_time",
		"kill ptrace if arg0 >= 1 and arg0.low <= 1",
	}
	p, err := Parse(lines)
	if err != nil {
		t.Fatal(err)
	}
	tab := tables()
	for _, goarch := range []string{"amd64", "arm64"} {
		for _, c := range []*Conditions{{}, {Capabilities: []string{"sys_time"}}} {
			program, err := p.Assemble(goarch, c)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range machine(goarch) {
				for name, numbers := range tab.calls {
					for _, column := range a.columns {
						if numbers[column] == noCall {
							continue
						}
						for _, args := range [][]uint64{{0, 0}, {1, 1}, {3, 3}, {1 << 32, 2}} {
							number := numbers[column]
							if column == x32 {
								number |= x32Bit
							}
							if got, want := ask(t, program, a.audit, number, args...), slow(p, name, c, args); got != want {
								t.Fatalf("%s %s %d %v: %x, want %x", goarch, name, number, args, got, want)
							}
						}
					}
				}
				if got := ask(t, program, a.audit, 9999); got != Deny(2) {
					t.Errorf("%s: an unknown call gives %x", goarch, got)
				}
			}
			if got := ask(t, program, unix.AUDIT_ARCH_S390X, 0); got != Kill {
				t.Errorf("%s: another architecture gives %x", goarch, got)
			}
		}
	}
}

// TestLongJumps makes a policy whose branches don't reach their ends directly.
func TestLongJumps(t *testing.T) {
	lines := []string{"otherwise allow"}
	for i := range 200 {
		lines = append(lines, "deny "+strconv.Itoa(i+1)+" read if arg0 == "+strconv.Itoa(i)+" and arg1 == 0x100000001")
	}
	program := assemble(t, "amd64", &Conditions{}, lines...)
	for i := range uint64(200) {
		if got := ask(t, program, unix.AUDIT_ARCH_X86_64, 0, i, 1<<32|1); got != Deny(unix.Errno(i+1)) {
			t.Fatalf("read(%d): %x", i, got)
		}
	}
	for _, number := range []int{0, 1, 471, 9999} {
		want := Allow
		if number == 9999 {
			want = Deny(unix.ENOSYS)
		}
		if got := ask(t, program, unix.AUDIT_ARCH_X86_64, number, 200); got != want {
			t.Errorf("%d: %x", number, got)
		}
	}
	for i := range 200 {
		lines = append(lines, "deny write if arg0 == "+strconv.Itoa(i)+" and arg1 == 0x100000001")
	}
	p, err := Parse(lines)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Assemble("amd64", &Conditions{}); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("a policy beyond the kernel's limit: %v", err)
	}
}

func slow(p *Policy, name string, c *Conditions, args []uint64) Action {
	action := p.otherwise
	for i := range p.rules {
		r := &p.rules[i]
		named := false
		for _, call := range r.calls {
			named = named || call == name
		}
		if !named || !r.applies(c) {
			continue
		}
		all := true
		for _, test := range r.tests {
			v := args[test.arg]
			if test.low {
				v = uint64(uint32(v))
			}
			switch test.op {
			case equal:
				all = all && v == test.value
			case anyBit:
				all = all && v&test.mask != 0
			case greaterEqual:
				all = all && v >= test.value
			case lessEqual:
				all = all && v <= test.value
			}
		}
		if all {
			action = r.action
		}
	}
	return action
}

// TestNumbersAreUnique holds the table: two names for one number would make
// the fate of the call a matter of chance.
func TestNumbersAreUnique(t *testing.T) {
	seen := map[[2]int]string{}
	for name, numbers := range tables().calls {
		for column, n := range numbers {
			if other := seen[[2]int{column, n}]; n != noCall && other != "" {
				t.Errorf("%s and %s are both %d", name, other, n)
			}
			seen[[2]int{column, n}] = name
		}
	}
}

func TestForbidsStart(t *testing.T) {
	for _, c := range []struct {
		lines []string
		want  bool
	}{
		{[]string{"include default"}, false},
		{[]string{"include default", "deny ptrace"}, false},
		{[]string{"include seed"}, false},
		{[]string{"include default", "deny clone"}, true},
		{[]string{"include default", "log clone"}, false},
		{[]string{"include default", "deny write if arg0 == 2"}, true},
		{[]string{"otherwise deny EPERM", "allow read write exit_group execve"}, true},
	} {
		if got := ForbidsStart([][]byte{assemble(t, hostArch, &Conditions{}, c.lines...)}); got != c.want {
			t.Errorf("%q: %v", c.lines, got)
		}
	}
}

func TestMistakes(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"deny reed", "did you mean read?"},
		{"deny @modul", "did you mean @module?"},
		{"deny ENOTHING read", `unknown errno "ENOTHING"`},
		{"deny 5000 read", "unknown errno"},
		{"permit read", `unknown word "permit"`},
		{"allow", "names no call"},
		{"allow read if", "nothing follows if"},
		{"allow read if arg0 == 1 and", "nothing follows and"},
		{"allow read if arg6 == 1", "want arg0 to arg5"},
		{"allow read if arg0 = 1", "want arg0 to arg5"},
		{"allow read if arg0 == FOO", `unknown value "FOO"`},
		{"allow read if arg0.low == 0x100000000", "wider than the 32 bits"},
		{"allow read when sys_tim", "did you mean sys_time?"},
		{"otherwise allow read", "follows the action"},
		{"include strict", "only the policies that are built in"},
	} {
		_, err := Parse([]string{"include default", c.line})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "line 2") {
			t.Errorf("%q: %v, want %q", c.line, err, c.want)
		}
	}
	if _, err := Parse([]string{"allow read"}); err == nil {
		t.Error("a policy that says nothing about other calls is accepted")
	}
}

func BenchmarkCompile(b *testing.B) {
	for b.Loop() {
		if _, err := Compile([]string{"include default"}, &Conditions{}); err != nil {
			b.Fatal(err)
		}
	}
}
