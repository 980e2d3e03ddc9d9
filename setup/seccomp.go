package setup

// Seccomp says which system calls the payload may make (seccomp(2)). The zero
// value is the default policy.
type Seccomp struct {
	// Policy is the text of a policy in place of the default one, line by line
	// as package seccomp describes it.
	Policy []string `json:"policy,omitempty"`

	// Off leaves the policy out; Filters are loaded all the same.
	Off bool `json:"off,omitempty"`

	// Filters are compiled programs, each an array of struct sock_filter. The
	// payload is bound by all of them and by the policy: of their answers the
	// strictest counts.
	Filters [][]byte `json:"filters,omitempty"`

	// Log has the kernel log every call that isn't allowed (audit, type 1326;
	// see the sysctl kernel.seccomp.actions_logged). Linux 4.14.
	Log bool `json:"log,omitempty"`

	// Programs are the filters as they are loaded, and Late says that they
	// forbid what it takes to start a process, so that they are loaded by
	// the payload's own process just before it executes the payload. Only
	// setup/spawn sets them, and jailinit reads nothing else.
	Programs [][]byte `json:"-"`
	Late     bool     `json:"-"`
}

func (s *Seccomp) code(c *coder) {
	list(c, &s.Policy, str[string])
	flag(c, &s.Off)
	list(c, &s.Filters, blob)
	flag(c, &s.Log)
	flag(c, &s.Late)
	list(c, &s.Programs, blob)
}
