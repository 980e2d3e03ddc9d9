// Package check finds every problem of a plan before anything is done. It runs
// on the host and makes no system call; jailinit does not link it.
package check

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/go-multierror"

	"github.com/jailspawn/jailspawn/setup"
)

// Plan returns every problem of a plan in a multierror.Error, each a
// [setup.Error] that names the field, or nil. It looks at the plan alone: whether a source exists and
// whether the caller may do what is asked turns out when the jail starts.
func Plan(p *setup.Plan) error {
	c := &checker{}
	if p.Version != setup.Version {
		c.add("version", strconv.Itoa(p.Version)+" is not known", "write "+strconv.Itoa(setup.Version))
	}
	c.namespaces(p)
	c.ids(p)
	c.mounts(p)
	c.names(p)
	c.network(p)
	c.resources(p)
	c.confined(p)
	c.process(p)
	c.named(p)
	c.seccomp(p)
	c.terminal(p.Process.Terminal)
	c.life(&p.Life)
	c.service(p)
	c.landlock(p)
	if c.problems == nil {
		return nil
	}
	return c.problems
}

// A checker collects problems.
type checker struct{ problems *multierror.Error }

func (c *checker) add(field, detail, hint string) {
	c.problems = multierror.Append(c.problems, setup.Misuse(field, detail, hint))
}

// problem adds an error that another package found in a field.
func (c *checker) problem(field string, err error) {
	e := setup.Fail("plan", field, err).(*setup.Error)
	c.add(field, e.Detail, e.Hint)
}

func (c *checker) noNUL(field, s string) {
	if strings.IndexByte(s, 0) >= 0 {
		c.add(field, strconv.Quote(s)+" has a NUL byte", "")
	}
}

// absPath wants an absolute path without "..", "." or doubled slashes.
func (c *checker) absPath(field, s string) {
	switch {
	case s == "":
		c.add(field, "is empty", "give an absolute path")
	case s[0] != '/':
		c.add(field, strconv.Quote(s)+" is relative", "give an absolute path")
	case path.Clean(s) != s:
		c.add(field, strconv.Quote(s)+" is not a clean path", "write "+path.Clean(s))
	case len(s) >= 4096:
		c.add(field, "is longer than the 4,095 bytes of PATH_MAX", "")
	}
	c.noNUL(field, s)
}

func (c *checker) namespaces(p *setup.Plan) {
	for i, n := range p.Share {
		field := "share[" + strconv.Itoa(i) + "]"
		rule, ok := n.Rule()
		switch {
		case !ok:
			c.add(field, "unknown namespace "+strconv.Quote(string(n)), "user, pid, net, ipc, uts and cgroup can be shared")
		case rule.Refused != "":
			c.add(field, string(n)+" can't be shared: "+rule.Refused, rule.Hint)
		case slices.Contains(p.Share[:i], n):
			c.add(field, string(n)+" stands twice", "")
		case n == setup.PIDNS && p.OwnMounts():
			c.add(field, "a payload with sys_admin needs a proc of the jail's own, which there is not where pid is shared", "leave out one of the two")
		}
	}
}

func (c *checker) names(p *setup.Plan) {
	for _, n := range []struct{ field, name string }{{"hostname", p.Hostname}, {"domainname", p.Domainname}} {
		if len(n.name) > 64 {
			c.add(n.field, "is longer than 64 bytes", "")
		}
		if n.name != "" && p.Shares(setup.UTSNS) {
			c.add(n.field, "would rename the host, as the uts namespace is shared", "leave out one of the two")
		}
		if strings.ContainsAny(n.name, " \t\n/") {
			c.add(n.field, strconv.Quote(n.name)+" has a blank or a slash", "")
		}
		c.noNUL(n.field, n.name)
	}
}

func (c *checker) process(p *setup.Plan) {
	pr := &p.Process
	if len(pr.Argv) == 0 || pr.Argv[0] == "" {
		c.add("process.argv", "there is no command to run", "")
	}
	for i, a := range pr.Argv {
		c.noNUL("process.argv["+strconv.Itoa(i)+"]", a)
	}
	for i, e := range pr.Env {
		field := "process.env[" + strconv.Itoa(i) + "]"
		if strings.IndexByte(e, '=') <= 0 {
			c.add(field, strconv.Quote(e)+" is not NAME=VALUE", "")
		}
		c.noNUL(field, e)
	}
	if pr.Cwd != "" {
		c.absPath("process.cwd", pr.Cwd)
	}
	if pr.Umask != nil && *pr.Umask > 0o777 {
		c.add("process.umask", "0"+strconv.FormatUint(uint64(*pr.Umask), 8)+" is more than 0777", "")
	}
	c.groups(pr)
	c.rights(pr)
	c.schedule(&pr.Schedule)
	c.labels(&pr.Labels)
	c.limits(pr)
	c.descriptors(pr)
}

// maxPassFD bounds the numbers of passed descriptors.
const maxPassFD = 4095

func (c *checker) descriptors(p *setup.Process) {
	for i, fd := range p.PassFDs {
		field := "process.pass_fds[" + strconv.Itoa(i) + "]"
		switch {
		case fd < 3:
			c.add(field, strconv.Itoa(fd)+" is passed always", "")
		case fd > maxPassFD:
			c.add(field, strconv.Itoa(fd)+" is above "+strconv.Itoa(maxPassFD), "")
		case slices.Contains(p.PassFDs[:i], fd):
			c.add(field, strconv.Itoa(fd)+" stands twice", "")
		}
	}
}

func nearestHint(name string, known []string) string {
	if n := setup.Nearest(name, known); n != "" {
		return "did you mean " + n + "?"
	}
	return "known are " + strings.Join(known, " ")
}
