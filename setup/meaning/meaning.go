// Package meaning says in plain sentences what a plan means for its payload:
// what it can see, write, reach and use. It runs on the host, looks at the plan
// alone and makes no system call.
package meaning

import (
	"strconv"
	"strings"

	"github.com/jailspawn/jailspawn/setup"
)

// A Fact is one thing that is so in the jail. Facts of one text are told in one
// sentence, with their items in the place of the %s.
type Fact struct {
	Topic string
	Text  string
	Item  string
}

// The topics, in the order in which they are told.
const (
	Files     = "Files"
	Network   = "Network"
	Rights    = "Identity and rights"
	Resources = "Resources and time"
	Beside    = "Processes, and the host beside the jail"
)

// Topics lists them.
var Topics = []string{Files, Network, Rights, Resources, Beside}

// facts collects what is so.
type facts []Fact

func (f *facts) say(topic, text string, items ...string) {
	if len(items) == 0 {
		*f = append(*f, Fact{topic, text, ""})
	}
	for _, item := range items {
		*f = append(*f, Fact{topic, text, item})
	}
}

// Of tells all that is so in the jail of a plan. Root says that the host's
// root starts it.
func Of(p *setup.Plan, root bool) []Fact {
	f := new(facts)
	f.files(p)
	f.network(p)
	f.identity(p, root)
	f.rights(p)
	f.process(p)
	f.resources(&p.Resources)
	f.life(p)
	f.host(p)
	f.rest(p)
	return *f
}

// Sentence joins the items of facts that have the same text.
func Sentence(text string, items []string) string {
	return strings.Replace(text, "%s", strings.Join(items, ", "), 1)
}

func (f *facts) process(p *setup.Plan) {
	f.say(Beside, "No process outside the jail can be seen or signalled.")
	f.say(Beside, "When jailspawn ends, every process of the jail ends.")
	pr := &p.Process
	var names []string
	for _, e := range pr.Env {
		name, _, _ := strings.Cut(e, "=")
		names = append(names, name)
	}
	if len(names) > 0 {
		f.say(Beside, "The environment has the variables %s.", names...)
	}
	f.say(Beside, "The environment has no other variable.")
	if len(pr.PassFDs) == 0 {
		f.say(Beside, "The caller's descriptors 0, 1 and 2 are open, and no other.")
	}
	for _, fd := range pr.PassFDs {
		f.say(Beside, "The caller's descriptors 0, 1, 2 and %s are open.", strconv.Itoa(fd))
	}
	f.schedule(&pr.Schedule)
	for _, r := range pr.Rlimits {
		if setup.RlimitNumber(r.Resource) >= 0 && r == setup.DefaultRlimit(r.Resource, r.Hard) {
			continue // those of a fresh system are no news
		}
		f.say(Resources, "Resource limits are set: %s.", r.Resource+" to "+limit(r.Soft)+" (at most "+limit(r.Hard)+")")
	}
}

func limit(n uint64) string {
	if n == ^uint64(0) {
		return "unlimited"
	}
	return strconv.FormatUint(n, 10)
}

func (f *facts) host(p *setup.Plan) {
	if p.Shares(setup.UTSNS) {
		f.say(Beside, "The host and domain name are the host's.")
	} else {
		f.say(Beside, "The host name is %s.", p.Hostname)
		if p.Domainname != "" {
			f.say(Beside, "The domain name is %s.", p.Domainname)
		}
	}
	if p.Shares(setup.IPCNS) {
		f.say(Beside, "System V IPC and message queues are shared with the host.")
	}
	if p.Shares(setup.PIDNS) {
		f.say(Beside, "It sees the processes of the host, and may signal those with an id of the jail's.")
	}
	if p.Shares(setup.CgroupNS) {
		f.say(Beside, "The paths of the host's cgroups can be seen.")
	}
	if p.Name != "" {
		f.say(Beside, "The caller's other jailspawn commands find the jail by the name %s.", p.Name)
	}
	for _, h := range []struct {
		when  string
		lines [][]string
	}{
		{"before the jail is made", p.Hooks.PreStart},
		{"when the command runs", p.Hooks.PostStart},
		{"when the jail is gone", p.Hooks.PostStop},
	} {
		for _, words := range h.lines {
			f.say(Beside, "On the host, "+h.when+", this runs with the caller's rights: %s.", strings.Join(words, " "))
		}
	}
}
