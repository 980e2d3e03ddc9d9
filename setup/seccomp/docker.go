package seccomp

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// A profile is Docker's JSON form of a policy
// (docs.docker.com/engine/security/seccomp, also the OCI runtime spec's).
type profile struct {
	DefaultAction    string          `json:"defaultAction"`
	DefaultErrnoRet  *uint32         `json:"defaultErrnoRet"`
	DefaultErrno     string          `json:"defaultErrno"`
	Architectures    []string        `json:"architectures"`
	ArchMap          json.RawMessage `json:"archMap"`
	Flags            []string        `json:"flags"`
	ListenerPath     string          `json:"listenerPath"`
	ListenerMetadata string          `json:"listenerMetadata"`
	Syscalls         []profileRule   `json:"syscalls"`
}

type profileRule struct {
	Name     string        `json:"name"`
	Names    []string      `json:"names"`
	Action   string        `json:"action"`
	ErrnoRet *uint32       `json:"errnoRet"`
	Errno    string        `json:"errno"`
	Args     []profileTest `json:"args"`
	Comment  string        `json:"comment"`
	Includes profileFilter `json:"includes"`
	Excludes profileFilter `json:"excludes"`
}

type profileTest struct {
	Index    uint   `json:"index"`
	Value    uint64 `json:"value"`
	ValueTwo uint64 `json:"valueTwo"`
	Op       string `json:"op"`
}

type profileFilter struct {
	Caps      []string `json:"caps"`
	Arches    []string `json:"arches"`
	MinKernel string   `json:"minKernel"`
}

// Docker returns the lines of a policy for a profile in Docker's format. Rules
// for other architectures are left out; those for capabilities become "when"
// and "unless".
//
// A minimal kernel counts as given up to 5.14, which every jail has; above that
// the rule is left out if it allows and kept if it denies. A call that this
// build doesn't know is of another architecture or new, and denied; only where
// all else is allowed a rule that denies it is taken for a mistake.
func Docker(data []byte) ([]string, error) {
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.DisallowUnknownFields()
	var p profile
	if err := d.Decode(&p); err != nil {
		return nil, dockerError(data, err)
	}
	if p.ListenerPath != "" {
		return nil, wrong("listenerPath is not supported", "the profile wants a program that decides; leave out its notify rules")
	}
	otherwise, err := p.action(p.DefaultAction, p.DefaultErrnoRet)
	if err != nil {
		return nil, err
	}
	lines := []string{"otherwise " + otherwise, "unknown deny ENOSYS"}
	t := tables()
	var tested []string
	for i := range p.Syscalls {
		plain, withTests, err := p.Syscalls[i].lines(&p, t, otherwise)
		if err != nil {
			err.Detail = "rule " + strconv.Itoa(i+1) + ": " + err.Detail
			return nil, err
		}
		lines = append(lines, plain...)
		tested = append(tested, withTests...)
	}
	return append(lines, tested...), nil
}

func dockerError(data []byte, err error) error {
	var syntax *json.SyntaxError
	detail := strings.TrimPrefix(err.Error(), "json: ")
	if errors.As(err, &syntax) {
		before := data[:min(int(syntax.Offset), len(data))]
		detail = "line " + strconv.Itoa(strings.Count(string(before), "\n")+1) + ": " + detail
	}
	return wrong(detail, "a profile has the fields that docs.docker.com/engine/security/seccomp shows")
}

// dockerActions are libseccomp's names of actions, in our words.
var dockerActions = [...]struct{ name, ours string }{
	{"SCMP_ACT_ALLOW", "allow"},
	{"SCMP_ACT_ERRNO", "deny"},
	{"SCMP_ACT_LOG", "log"},
	{"SCMP_ACT_TRAP", "trap"},
	{"SCMP_ACT_KILL", "kill"},
	{"SCMP_ACT_KILL_THREAD", "kill"},
	{"SCMP_ACT_KILL_PROCESS", "kill"},
}

func (p *profile) action(name string, errno *uint32) (string, *setup.Error) {
	action := ""
	var known []string
	for _, a := range dockerActions {
		known = append(known, a.name)
		if a.name == name {
			action = a.ours
		}
	}
	switch {
	case name == "SCMP_ACT_NOTIFY" || name == "SCMP_ACT_TRACE":
		return "", wrong(name+" is not supported", "it asks another program; there is none in a jail")
	case action == "":
		return "", wrong("unknown action "+strconv.Quote(name), nearest(name, known))
	case action != "deny":
		return action, nil
	case errno == nil && p.DefaultErrnoRet != nil:
		errno = p.DefaultErrnoRet
	}
	if errno == nil {
		return "deny EPERM", nil
	}
	if *errno > maxErrno {
		return "", wrong("errno "+strconv.FormatUint(uint64(*errno), 10)+" is above 4095", "")
	}
	return "deny " + errnoName(unix.Errno(*errno)), nil
}

// lines returns the rule's lines, apart for those without tests: as in
// libseccomp, a test is stronger than none, wherever the two stand.
func (r *profileRule) lines(p *profile, t *table, otherwise string) (plain, tested []string, err *setup.Error) {
	action, err := p.action(r.Action, r.ErrnoRet)
	if err != nil || action == otherwise {
		return nil, nil, err // libseccomp leaves out what is the default anyway
	}
	allows := action == "allow" || action == "log"
	if !r.forThis() || (allows && newer(r.Includes.MinKernel)) || (r.Excludes.MinKernel != "" && !newer(r.Excludes.MinKernel)) {
		return nil, nil, nil
	}
	var calls []string
	for _, name := range append(slices.Clone(r.Names), r.Name) {
		switch _, known := t.calls[name]; {
		case name == "":
		case known:
			calls = append(calls, name)
		case !allows && !strings.HasPrefix(otherwise, "deny"):
			return nil, nil, wrong("unknown call "+strconv.Quote(name)+", which is to be denied", nearest(name, t.names()))
		}
	}
	if len(calls) == 0 {
		return nil, nil, nil
	}
	head := action + " " + strings.Join(calls, " ")
	tail := conditions("when", r.Includes.Caps) + conditions("unless", r.Excludes.Caps)
	if len(r.Args) == 0 {
		return []string{head + tail}, nil, nil
	}
	for _, group := range alternatives(r.Args) {
		tests := make([]string, len(group))
		for i, a := range group {
			if tests[i], err = a.text(); err != nil {
				return nil, nil, err
			}
		}
		tested = append(tested, head+" if "+strings.Join(tests, " and ")+tail)
	}
	return nil, tested, nil
}

// forThis reports whether the rule is meant for this machine's architecture.
func (r *profileRule) forThis() bool {
	names := map[string][]string{"amd64": {"amd64", "x32", "x86"}, "arm64": {"arm64", "arm"}}[hostArch]
	has := func(list []string) bool {
		return slices.ContainsFunc(list, func(a string) bool { return slices.Contains(names, a) })
	}
	return (len(r.Includes.Arches) == 0 || has(r.Includes.Arches)) && !has(r.Excludes.Arches)
}

// newer reports whether a kernel version is above the oldest that jails run
// on, 5.14.
func newer(version string) bool {
	if version == "" {
		return false
	}
	major, minor, _ := strings.Cut(version, ".")
	a, _ := strconv.Atoi(major)
	b, _ := strconv.Atoi(minor)
	return a > 5 || (a == 5 && b > 14)
}

func conditions(keyword string, caps []string) string {
	if len(caps) == 0 {
		return ""
	}
	s := " " + keyword
	for _, c := range caps {
		s += " " + setup.CapabilityName(c)
	}
	return s
}

// alternatives splits tests: two of the same argument are alternatives, as
// runc has it; all others hold together.
func alternatives(args []profileTest) [][]profileTest {
	seen := map[uint]bool{}
	for _, a := range args {
		if seen[a.Index] {
			var each [][]profileTest
			for _, a := range args {
				each = append(each, []profileTest{a})
			}
			return each
		}
		seen[a.Index] = true
	}
	return [][]profileTest{args}
}

func (a *profileTest) text() (string, *setup.Error) {
	if a.Index > 5 {
		return "", wrong("a call has no argument "+strconv.FormatUint(uint64(a.Index), 10), "they count from 0 to 5")
	}
	arg := "arg" + strconv.FormatUint(uint64(a.Index), 10)
	value := "0x" + strconv.FormatUint(a.Value, 16)
	if a.Op == "SCMP_CMP_MASKED_EQ" {
		return arg + " & " + value + " == 0x" + strconv.FormatUint(a.ValueTwo, 16), nil
	}
	op, ok := map[string]string{
		"SCMP_CMP_EQ": "==", "SCMP_CMP_NE": "!=", "SCMP_CMP_LT": "<", "SCMP_CMP_LE": "<=", "SCMP_CMP_GT": ">", "SCMP_CMP_GE": ">=",
	}[a.Op]
	if !ok {
		return "", wrong("unknown operator "+strconv.Quote(a.Op), "they are SCMP_CMP_EQ, NE, LT, LE, GT, GE and MASKED_EQ")
	}
	return arg + " " + op + " " + value, nil
}
