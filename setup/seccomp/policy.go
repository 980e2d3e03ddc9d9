package seccomp

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// A Policy decides about every system call. Build one with [Parse] or
// [Docker].
type Policy struct {
	otherwise Action
	unknown   Action
	rules     []rule // the last that matches decides
}

// An Action is what happens to a call: a SECCOMP_RET_* value of seccomp(2) with
// its data.
type Action uint32

// The actions without data.
const (
	Allow       = Action(unix.SECCOMP_RET_ALLOW)
	Log         = Action(unix.SECCOMP_RET_LOG)
	Trap        = Action(unix.SECCOMP_RET_TRAP)
	Kill        = Action(unix.SECCOMP_RET_KILL_PROCESS)
	killThread  = Action(unix.SECCOMP_RET_KILL_THREAD)
	notSupports = Action(unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS))
)

// Deny returns the action that makes a call fail with an errno.
func Deny(errno unix.Errno) Action { return Action(unix.SECCOMP_RET_ERRNO | uint32(errno)) }

// A rule gives calls an action if all tests hold.
type rule struct {
	action Action
	words  []string // calls and groups, as written
	calls  []string
	tests  []test
	when   []string // all of these are in force
	unless []string // none of these is in force
}

// A test looks at one argument.
type test struct {
	arg   int
	low   bool // its low 32 bits alone
	mask  uint64
	op    operator
	value uint64
}

type operator int

const (
	equal operator = iota
	notEqual
	less
	lessEqual
	greater
	greaterEqual
	anyBit // mask & argument != 0
)

var operators = []string{"==", "!=", "<", "<=", ">", ">=", "&"}

// Conditions is what "when" and "unless" are held against.
type Conditions struct {
	Capabilities []string // that the payload keeps
	Userns       bool     // it may make user namespaces of its own
	Setuid       bool     // it may gain privileges by executing
}

func (c *Conditions) holds(word string) bool {
	switch word {
	case "userns":
		return c.Userns
	case "setuid":
		return c.Setuid
	}
	return slices.Contains(c.Capabilities, word)
}

func knownCondition(word string) bool {
	return word == "userns" || word == "setuid" || setup.CapabilityNumber(word) >= 0
}

// applies reports whether the rule is in force.
func (r *rule) applies(c *Conditions) bool {
	missing := func(word string) bool { return !c.holds(word) }
	return !slices.ContainsFunc(r.when, missing) && !slices.ContainsFunc(r.unless, c.holds)
}

// For returns the conditions of a plan.
func For(p *setup.Plan) *Conditions {
	return &Conditions{Capabilities: p.Process.Capabilities, Userns: p.AllowUserns, Setuid: p.Process.AllowSetuid}
}
