package spawn

import (
	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/seccomp"
)

// walls resolves what depends on the kernel and on this build: the programs of
// the seccomp policy, and the rules of Landlock.
func walls(p *setup.Plan, note func(string)) error {
	if err := filters(p); err != nil {
		return err
	}
	return landlock(p, note)
}

// filters puts the programs of the plan's policy and its own filters together.
func filters(p *setup.Plan) error {
	s := &p.Process.Seccomp
	s.Programs, s.Late = nil, false
	if !s.Off {
		program, err := policyProgram(p)
		if err != nil {
			return err
		}
		s.Programs = [][]byte{program}
	}
	s.Programs = append(s.Programs, s.Filters...)
	if len(s.Policy)+len(s.Filters) > 0 { // the default policy forbids nothing that it takes to start
		s.Late = seccomp.ForbidsStart(s.Programs)
	}
	return nil
}

func policyProgram(p *setup.Plan) ([]byte, error) {
	if len(p.Process.Seccomp.Policy) == 0 {
		return seccomp.Default(seccomp.For(p))
	}
	return seccomp.Compile(p.Process.Seccomp.Policy, seccomp.For(p))
}
