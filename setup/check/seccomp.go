package check

import (
	"strconv"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/seccomp"
)

func (c *checker) seccomp(p *setup.Plan) {
	s := &p.Process.Seccomp
	if s.Off && len(s.Policy) > 0 {
		c.add("process.seccomp", "a policy is given and switched off", "leave out one of the two")
	}
	if len(s.Policy) > 0 {
		if _, err := seccomp.Parse(s.Policy); err != nil {
			c.problem("process.seccomp.policy", err)
		}
	}
	for i, f := range s.Filters {
		if err := seccomp.Program(f); err != nil {
			c.problem("process.seccomp.filters["+strconv.Itoa(i)+"]", err)
		}
	}
}
