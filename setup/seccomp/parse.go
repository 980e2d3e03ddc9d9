package seccomp

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// The policies that are built in, as people read them.
var (
	//go:embed default.policy
	defaultText string
	//go:embed seed.policy
	seedText string
)

// BuiltIn returns the text of a policy that has a name instead of a file:
// default, or seed, the process rules of the RFC's policy.
func BuiltIn(name string) (text string, ok bool) {
	switch name {
	case "default":
		return defaultText, true
	case "seed":
		return seedText, true
	}
	return "", false
}

// Parse reads a policy. Its error is a [setup.Error] that names the line.
func Parse(lines []string) (*Policy, error) {
	p := &parser{table: tables(), policy: &Policy{unknown: notSupports}}
	for i, line := range lines {
		if err := p.line(line); err != nil {
			err.Detail = "line " + strconv.Itoa(i+1) + ": " + err.Detail
			return nil, err
		}
	}
	if !p.complete {
		return nil, wrong("nothing says what happens to the calls that no line names", "begin with include default, or with otherwise deny EPERM")
	}
	return p.policy, nil
}

// wrong is an error about a policy.
func wrong(detail, hint string) *setup.Error {
	return &setup.Error{Step: "seccomp", Detail: detail, Hint: hint, Status: setup.StatusMisuse}
}

type parser struct {
	table    *table
	policy   *Policy
	complete bool // an "otherwise" has been read
}

// actionNamed returns the action that a rule begins with.
func actionNamed(word string) (Action, bool) {
	switch word {
	case "allow":
		return Allow, true
	case "deny":
		return Deny(unix.EPERM), true
	case "log":
		return Log, true
	case "trap":
		return Trap, true
	case "kill":
		return Kill, true
	}
	return 0, false
}

func (p *parser) line(line string) *setup.Error {
	line, _, _ = strings.Cut(line, "#")
	words := strings.Fields(line)
	if len(words) == 0 {
		return nil
	}
	switch words[0] {
	case "include":
		return p.include(words[1:])
	case "otherwise":
		p.complete = true
		return p.whole(&p.policy.otherwise, words[1:])
	case "unknown":
		return p.whole(&p.policy.unknown, words[1:])
	}
	r, err := p.rule(words)
	if err == nil {
		p.policy.rules = append(p.policy.rules, *r)
	}
	return err
}

func (p *parser) include(words []string) *setup.Error {
	text, ok := BuiltIn(strings.Join(words, " "))
	if !ok {
		return wrong("only the policies that are built in can be included", "write include default, or include seed")
	}
	for line := range strings.Lines(text) {
		if err := p.line(line); err != nil {
			return err // a mistake in one of them is a bug that the tests find
		}
	}
	return nil
}

// whole reads a line that is an action alone.
func (p *parser) whole(into *Action, words []string) *setup.Error {
	action, rest, err := parseAction(words)
	if err == nil && len(rest) > 0 {
		return wrong(strconv.Quote(rest[0])+" follows the action", "calls have lines of their own: allow CALL ...")
	}
	*into = action
	return err
}

// parseAction reads an action at the head of words.
func parseAction(words []string) (Action, []string, *setup.Error) {
	if len(words) == 0 {
		return 0, nil, wrong("the action is missing", "write allow, deny [ERRNO], log, trap or kill")
	}
	action, ok := actionNamed(words[0])
	if !ok {
		return 0, nil, wrong("unknown word "+strconv.Quote(words[0]), "a line begins with allow, deny, log, trap, kill, otherwise, unknown or include")
	}
	rest := words[1:]
	if words[0] != "deny" || len(rest) == 0 || (rest[0][0] != 'E' && (rest[0][0] < '0' || rest[0][0] > '9')) {
		return action, rest, nil
	}
	errno, ok := parseErrno(rest[0])
	if !ok {
		return 0, nil, wrong("unknown errno "+strconv.Quote(rest[0]), "see errno(3), or write a number from 1 to 4095")
	}
	return Deny(errno), rest[1:], nil
}

func (p *parser) rule(words []string) (*rule, *setup.Error) {
	action, words, err := parseAction(words)
	if err != nil {
		return nil, err
	}
	r := &rule{action: action}
	r.words, words = until(words, "if", "when", "unless")
	if len(r.words) == 0 {
		return nil, wrong("the line names no call", "write the calls or @groups behind the action")
	}
	for _, word := range r.words {
		calls, ok := p.table.expand(word)
		if !ok {
			return nil, wrong("unknown call or group "+strconv.Quote(word), nearest(word, p.table.names()))
		}
		r.calls = append(r.calls, calls...)
	}
	for len(words) > 0 {
		var section []string
		keyword := words[0]
		section, words = until(words[1:], "if", "when", "unless")
		if err := r.clause(keyword, section); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// until splits words before the first that is one of stops.
func until(words []string, stops ...string) (head, tail []string) {
	i := slices.IndexFunc(words, func(w string) bool { return slices.Contains(stops, w) })
	if i < 0 {
		return words, nil
	}
	return words[:i], words[i:]
}

// clause reads what stands behind if, when or unless.
func (r *rule) clause(keyword string, words []string) *setup.Error {
	if len(words) == 0 {
		return wrong("nothing follows "+keyword, "")
	}
	if keyword == "if" {
		for len(words) > 0 {
			var one []string
			one, words = until(words, "and")
			if len(words) == 1 {
				return wrong("nothing follows and", "")
			}
			words = words[min(1, len(words)):]
			if err := r.test(one); err != nil {
				return err
			}
		}
		return nil
	}
	for _, word := range words {
		if !knownCondition(word) {
			return wrong("unknown condition "+strconv.Quote(word), nearest(word, append(setup.CapabilityNames(), "userns", "setuid")))
		}
	}
	if keyword == "when" {
		r.when = append(r.when, words...)
	} else {
		r.unless = append(r.unless, words...)
	}
	return nil
}

// test reads ARG OP VALUE, or ARG & MASK [== VALUE].
func (r *rule) test(words []string) *setup.Error {
	bad := wrong("want arg0 to arg5, an operator and a value, but this is "+strconv.Quote(strings.Join(words, " ")), "arg1.low == TIOCSTI, arg0 & CLONE_NEWUSER, arg2 & 0x3 == 1")
	if len(words) != 3 && (len(words) != 5 || words[1] != "&" || words[3] != "==") {
		return bad
	}
	t := test{mask: ^uint64(0)}
	name, low := strings.CutSuffix(words[0], ".low")
	number, ok := strings.CutPrefix(name, "arg")
	op := operator(slices.Index(operators, words[1]))
	value, known := parseValue(words[2])
	if !ok || len(number) != 1 || number[0] < '0' || number[0] > '5' || op < 0 {
		return bad
	}
	if !known {
		return wrong("unknown value "+strconv.Quote(words[2]), "write a number; the names known are those of seccomp's documentation")
	}
	t.arg, t.low, t.op, t.value = int(number[0]-'0'), low, op, value
	if op == anyBit {
		t.mask, t.value = value, 0
	}
	if len(words) == 5 {
		t.op = equal
		if t.value, known = parseValue(words[4]); !known {
			return wrong("unknown value "+strconv.Quote(words[4]), "write a number")
		}
	}
	if low && (t.value > 0xffffffff || (t.mask != ^uint64(0) && t.mask > 0xffffffff)) {
		return wrong("the value is wider than the 32 bits of "+words[0], "leave out .low")
	}
	r.tests = append(r.tests, t)
	return nil
}

func nearest(word string, known []string) string {
	if n := setup.Nearest(word, known); n != "" {
		return "did you mean " + n + "?"
	}
	return "jailspawn seccomp default shows what a policy may look like"
}
