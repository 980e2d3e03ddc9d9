package seccomp

import (
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// An abi is one value of seccomp_data.arch, and the columns of the table that
// its numbers come from.
type abi struct {
	audit   uint32 // AUDIT_ARCH_*
	columns []arch
}

// machine returns the calling conventions that a kernel of a GOARCH runs, its
// own first. x32 has amd64's AUDIT_ARCH and a bit in the number.
func machine(goarch string) []abi {
	switch goarch {
	case "amd64":
		return []abi{{unix.AUDIT_ARCH_X86_64, []arch{amd64, x32}}, {unix.AUDIT_ARCH_I386, []arch{i386}}}
	case "arm64":
		return []abi{{unix.AUDIT_ARCH_AARCH64, []arch{arm64}}, {unix.AUDIT_ARCH_ARM, []arch{arm}}}
	}
	return nil
}

// x32Bit marks a call as x32's (__X32_SYSCALL_BIT).
const x32Bit = 0x40000000

// Assemble returns the program of a policy for kernels of an architecture, in
// the kernel's encoding (an array of struct sock_filter).
//
// A call is found by binary search over its number. For calls whose fate
// doesn't hang on arguments the kernel runs the program once, when it is
// loaded, and never again (Linux 5.11, but for x32), so the order of the search
// doesn't matter much.
func (p *Policy) Assemble(goarch string, c *Conditions) ([]byte, error) {
	abis := machine(goarch)
	if abis == nil {
		return nil, wrong("no policy can be made for "+goarch, "amd64 and arm64 are known; use --seccomp none with a compiled filter")
	}
	t := tables()
	rules := p.byCall(c)
	b := &builder{}
	next := b.ret(Kill) // any other architecture
	for _, a := range slices.Backward(abis) {
		body := b.search(p.ranges(t, a, rules))
		if len(a.columns) > 1 {
			body = b.emit(opAnd, ^uint32(x32Bit), body, body)
		}
		body = b.emit(opLoad, offsetNumber, body, body)
		next = b.emit(opEqual, a.audit, body, next)
	}
	b.emit(opLoad, offsetArch, next, next)
	if len(b.code) > unix.BPF_MAXINSNS {
		return nil, wrong("the policy is too long for the kernel", "it has more than 4,096 instructions; use groups, or fewer tests")
	}
	return b.encode(), nil
}

// A decision is what happens to one call: the first branch whose tests hold,
// else the action.
type decision struct {
	branches []*rule
	action   Action
}

func (d *decision) same(o *decision) bool {
	return d.action == o.action && slices.Equal(d.branches, o.branches)
}

// A span is a range of call numbers, from start to the next span's start, of
// the same decision.
type span struct {
	start uint32
	decision
}

// ranges returns the spans of an abi, from 0 on. Neighbours differ.
func (p *Policy) ranges(t *table, a abi, rules map[string][]*rule) []span {
	byNumber := map[int]*decision{}
	for name, numbers := range t.calls {
		for _, column := range a.columns {
			if n := numbers[column]; n != noCall {
				byNumber[n] = p.decide(rules[name])
			}
		}
	}
	numbers := make([]int, 0, len(byNumber))
	for n := range byNumber {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	spans := []span{{0, decision{action: p.unknown}}}
	add := func(start int, d decision) {
		last := &spans[len(spans)-1]
		switch {
		case last.same(&d):
		case int(last.start) == start:
			last.decision = d
		default:
			spans = append(spans, span{uint32(start), d})
		}
	}
	for _, n := range numbers {
		add(n, *byNumber[n])
		if byNumber[n+1] == nil {
			add(n+1, decision{action: p.unknown})
		}
	}
	return spans
}

// byCall sorts the rules in force by the calls that they name.
func (p *Policy) byCall(c *Conditions) map[string][]*rule {
	byCall := make(map[string][]*rule, 200)
	for i := range p.rules {
		if r := &p.rules[i]; r.applies(c) {
			for _, call := range r.calls {
				byCall[call] = append(byCall[call], r)
			}
		}
	}
	return byCall
}

// decide weighs the rules that name a call, from the last line up to the first
// that has no test.
func (p *Policy) decide(rules []*rule) *decision {
	d := &decision{action: p.otherwise}
	for _, r := range slices.Backward(rules) {
		if len(r.tests) == 0 {
			d.action = r.action
			break
		}
		d.branches = append(d.branches, r)
	}
	for len(d.branches) > 0 && d.branches[len(d.branches)-1].action == d.action {
		d.branches = d.branches[:len(d.branches)-1] // it would change nothing
	}
	return d
}

// Default returns the program of the default policy for this machine. Without
// conditions it was made when jailspawn was built.
func Default(c *Conditions) ([]byte, error) {
	if !slices.ContainsFunc(defaultConditions, c.holds) {
		return []byte(defaultProgram), nil
	}
	return Compile([]string{"include default"}, c)
}

// Compile returns the program of a policy for this machine.
func Compile(lines []string, c *Conditions) ([]byte, error) {
	p, err := Parse(lines)
	if err != nil {
		return nil, err
	}
	return p.Assemble(hostArch, c)
}

// defaultConditions are the conditions that the default policy names; a test
// holds the two together.
var defaultConditions = []string{
	"sys_module", "sys_boot", "sys_admin", "sys_rawio", "bpf", "perfmon", "sys_ptrace", "syslog",
	"sys_time", "dac_read_search", "userns", "setuid", "net_admin",
}

// Program reports what is wrong with a compiled program that somebody else
// made.
func Program(code []byte) error {
	switch {
	case len(code) == 0 || len(code)%instructionSize != 0:
		return wrong("a compiled filter is a sequence of 8-byte instructions, this has "+strconv.Itoa(len(code))+" bytes", "write it as seccomp_export_bpf(3) does")
	case len(code) > unix.BPF_MAXINSNS*instructionSize:
		return wrong("a compiled filter has at most 4,096 instructions", "")
	}
	return nil
}
