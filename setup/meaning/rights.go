package meaning

import (
	"strconv"

	"github.com/jailspawn/jailspawn/setup"
)

// identity tells who the payload is.
func (f *facts) identity(p *setup.Plan, root bool) {
	uid, gid := strconv.FormatUint(uint64(p.Process.UID), 10), strconv.FormatUint(uint64(p.Process.GID), 10)
	who := "It runs as uid " + uid + " and gid " + gid
	switch {
	case p.Shares(setup.UserNS):
		f.say(Rights, who+", which are the host's own: uid 0 is the host's root.")
	case len(p.IDs.UIDs) > 0 || len(p.IDs.GIDs) > 0:
		f.say(Rights, who+"; the ids of the jail are mapped as the plan says.")
	case !root:
		f.say(Rights, who+" inside, which to the host are the caller's ids.")
	case p.IDs.Map == setup.MapIdentity:
		f.say(Rights, who+", which are the same ids to the host: its files and sockets take uid 0 for root.")
	case p.IDs.Map == setup.MapAuto:
		f.say(Rights, who+" inside, which to the host are ids that nobody has.")
	default:
		f.say(Rights, who+"; the ids of the jail are mapped by "+p.IDs.Map+".")
	}
	for _, g := range p.Process.Groups {
		f.say(Rights, "It is in the groups %s.", strconv.FormatUint(uint64(g), 10))
	}
	for _, g := range p.IDs.KeptGroups {
		f.say(Rights, "The caller's supplementary groups %s stay in force, as the kernel lets no ordinary user drop them.", strconv.FormatUint(uint64(g), 10))
	}
	if p.Process.Umask != nil {
		f.say(Rights, "The file mode creation mask is %s.", "0"+strconv.FormatUint(uint64(*p.Process.Umask), 8))
	}
}

// rights tells what the payload may do.
func (f *facts) rights(p *setup.Plan) {
	pr := &p.Process
	switch {
	case len(pr.Capabilities) == 0 && len(pr.Bounding) == 0:
		f.say(Rights, "It has no capability and can't gain one.")
	case len(pr.Capabilities) == 0:
		f.say(Rights, "It has no capability.")
	case len(pr.Bounding) == 0:
		f.say(Rights, "It keeps these capabilities and can't gain another: %s.", pr.Capabilities...)
	default:
		f.say(Rights, "It keeps these capabilities: %s.", pr.Capabilities...)
	}
	for _, name := range pr.Bounding {
		f.say(Rights, "Set-user-ID files and file capabilities can give it these: %s.", name)
	}
	if pr.AllowSetuid {
		f.say(Rights, "Set-user-ID files count, where mounts let them, and can be made.")
	}
	for _, name := range pr.Securebits {
		f.say(Rights, "These securebits are set and locked: %s.", name)
	}
	f.labels(&pr.Labels)
	if p.AllowUserns {
		f.say(Rights, "It can make user namespaces, and is all-powerful within those.")
	} else if !p.Shares(setup.UserNS) {
		f.say(Rights, "It can't make user namespaces.")
	}
	s := &pr.Seccomp
	switch {
	case s.Off && len(s.Filters) == 0:
		f.say(Rights, "It can make every system call.")
	case s.Off:
		f.say(Rights, "Its system calls are filtered by the programs that were given.")
	case len(s.Policy) > 0:
		f.say(Rights, "Its system calls are filtered by the policy that was given.")
	default:
		f.say(Rights, "It can't make the system calls that the default policy refuses.")
	}
	if s.Log {
		f.say(Rights, "The kernel logs the calls that are refused.")
	}
	if p.OwnMounts() {
		f.say(Rights, "It lives in a user and mount namespace of its own inside the jail, so that read-only mounts stay read-only; its capabilities count there alone.")
	}
	f.landlock(&pr.Landlock)
}

// labels tells of other security modules.
func (f *facts) labels(l *setup.Labels) {
	for _, t := range []struct{ text, label string }{
		{"Its SELinux context is %s.", l.SELinux},
		{"Its AppArmor profile is %s.", l.AppArmor},
		{"Files in memory have the SELinux context %s.", l.Mount},
	} {
		if t.label != "" {
			f.say(Rights, t.text, t.label)
		}
	}
}

// schedule tells what the payload gets of processors, disks and memory.
func (f *facts) schedule(s *setup.Schedule) {
	for _, t := range []struct {
		text   string
		set    bool
		name   string
		number int
	}{
		{"Its scheduling policy is %s.", s.Policy != "", s.Policy, s.Priority},
		{"Its class of input and output is %s.", s.IOClass != "", s.IOClass, s.IOLevel},
	} {
		switch {
		case t.number != 0:
			f.say(Resources, t.text, t.name+" "+strconv.Itoa(t.number))
		case t.set:
			f.say(Resources, t.text, t.name)
		}
	}
	if s.Nice != nil {
		f.say(Resources, "Its nice value is %s.", strconv.Itoa(*s.Nice))
	}
	for _, n := range s.CPUs {
		f.say(Resources, "It runs on the processors %s.", strconv.Itoa(n))
	}
	if s.OOMScoreAdj != nil {
		f.say(Resources, "When memory is short its score is moved by %s.", strconv.Itoa(*s.OOMScoreAdj))
	}
}

// landlock tells of the second wall.
func (f *facts) landlock(l *setup.Landlock) {
	if l.Files {
		f.say(Rights, "Landlock keeps it from writing anywhere but at the writable places, and from mounting.")
	}
	if l.Scope {
		f.say(Rights, "Landlock keeps it from abstract sockets and processes of others.")
	}
	for _, t := range []struct {
		what  string
		ports *setup.Ports
	}{{"bind to", l.TCPBind}, {"connect to", l.TCPConnect}} {
		switch {
		case t.ports == nil:
		case len(t.ports.Ports) == 0:
			f.say(Network, "TCP sockets can "+t.what+" no port.")
		default:
			ports := make([]string, len(t.ports.Ports))
			for i, n := range t.ports.Ports {
				ports[i] = strconv.Itoa(int(n))
			}
			f.say(Network, "TCP sockets can "+t.what+" these ports only: %s.", ports...)
		}
	}
	if l.Try {
		f.say(Rights, "Where the kernel has no such Landlock, it goes on without.")
	}
}
