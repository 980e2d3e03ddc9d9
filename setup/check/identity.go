package check

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/jailspawn/jailspawn/setup"
)

// maxGroups is NGROUPS_MAX of getgroups(2).
const maxGroups = 65536

// groups wants supplementary groups that setgroups(2) takes.
func (c *checker) groups(p *setup.Process) {
	if len(p.Groups) > maxGroups {
		c.add("process.groups", "has "+strconv.Itoa(len(p.Groups))+" groups, the kernel takes "+strconv.Itoa(maxGroups), "")
		return
	}
	for i, gid := range p.Groups {
		field := "process.groups[" + strconv.Itoa(i) + "]"
		if gid == noID {
			c.add(field, "4294967295 is not a group id", "")
		}
		if slices.Contains(p.Groups[:i], gid) {
			c.add(field, number(gid)+" stands twice", "")
		}
	}
}

// rights checks the names of capabilities and securebits, and what goes with
// set-user-ID files.
func (c *checker) rights(p *setup.Process) {
	for _, set := range []struct {
		field string
		names []string
		known []string
		what  string
	}{
		{"process.capabilities", p.Capabilities, setup.CapabilityNames(), "capability"},
		{"process.bounding", p.Bounding, setup.CapabilityNames(), "capability"},
		{"process.securebits", p.Securebits, setup.SecurebitNames(), "securebit"},
	} {
		for i, name := range set.names {
			if !slices.Contains(set.known, name) {
				c.add(set.field+"["+strconv.Itoa(i)+"]", "unknown "+set.what+" "+strconv.Quote(name), nearestHint(name, set.known))
			}
		}
	}
	if len(p.Bounding) > 0 && !p.AllowSetuid {
		c.add("process.bounding", "no program can gain these, as set-user-ID bits and file capabilities don't count", "add --allow-setuid, or use --cap-add")
	}
	if len(p.Bounding) > 0 && p.UID == 0 {
		c.add("process.bounding", "uid 0 gains these with whatever it executes", "use --cap-add, or another user")
	}
	if p.AllowSetuid && slices.Contains(p.Securebits, "noroot") {
		c.add("process.securebits", "noroot takes the capabilities from set-user-ID programs that allow_setuid lets run", "leave out one of the two")
	}
}

func (c *checker) limits(p *setup.Process) {
	seen := map[string]bool{}
	for i, r := range p.Rlimits {
		field := "process.rlimits[" + strconv.Itoa(i) + "]"
		switch {
		case setup.RlimitNumber(r.Resource) < 0:
			c.add(field, "unknown resource "+strconv.Quote(r.Resource), nearestHint(r.Resource, setup.RlimitNames()))
		case seen[r.Resource]:
			c.add(field, r.Resource+" stands twice", "")
		case r.Soft > r.Hard:
			c.add(field, r.Resource+": the soft limit is above the hard limit", "")
		case r.Resource == "nofile" && r.Soft < minFiles:
			c.add(field, "nofile "+strconv.FormatUint(r.Soft, 10)+" leaves jailinit no descriptor to start the payload with", "give at least "+strconv.Itoa(minFiles))
		}
		seen[r.Resource] = true
	}
}

// minFiles is how many descriptors jailinit needs while it starts the payload.
const minFiles = 16

// schedule checks the ranges that the kernel has.
func (c *checker) schedule(s *setup.Schedule) {
	const field = "process.schedule."
	if s.Policy != "" && !slices.Contains(setup.SchedPolicies, s.Policy) {
		c.add(field+"policy", "unknown policy "+strconv.Quote(s.Policy), nearestHint(s.Policy, names(setup.SchedPolicies)))
	}
	if setup.RealTime(s.Policy) {
		c.within(field+"priority", s.Priority, 1, 99)
	} else if s.Priority != 0 {
		c.add(field+"priority", "only fifo and rr have one", "")
	}
	if s.Nice != nil {
		c.within(field+"nice", *s.Nice, -20, 19)
	}
	if s.OOMScoreAdj != nil {
		c.within(field+"oom_score_adj", *s.OOMScoreAdj, -1000, 1000)
	}
	switch {
	case s.IOClass != "" && !slices.Contains(setup.IOClasses, s.IOClass):
		c.add(field+"io_class", "unknown class "+strconv.Quote(s.IOClass), nearestHint(s.IOClass, setup.IOClasses))
	case s.IOClass == "realtime" || s.IOClass == "best-effort":
		c.within(field+"io_level", s.IOLevel, 0, 7)
	case s.IOLevel != 0:
		c.add(field+"io_level", "only realtime and best-effort have levels", "")
	}
	for i, cpu := range s.CPUs {
		at := field + "cpus[" + strconv.Itoa(i) + "]"
		c.within(at, cpu, 0, maxCPU)
		if slices.Contains(s.CPUs[:i], cpu) {
			c.add(at, strconv.Itoa(cpu)+" stands twice", "")
		}
	}
}

// maxCPU is the last processor that the kernel's affinity mask has room for.
const maxCPU = 1023

func (c *checker) within(field string, n, low, high int) {
	if n < low || n > high {
		c.add(field, strconv.Itoa(n)+" is not between "+strconv.Itoa(low)+" and "+strconv.Itoa(high), "")
	}
}

// names leaves out the places without one.
func names(list []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == "" })
}

// labels checks the form; whether the kernel knows a label is for it to say.
func (c *checker) labels(l *setup.Labels) {
	const field = "process.labels."
	for _, s := range []struct{ name, context string }{{"selinux", l.SELinux}, {"mount", l.Mount}} {
		if s.context != "" && (strings.Count(s.context, ":") < 2 || strings.ContainsAny(s.context, " \t\n\x00")) {
			c.add(field+s.name, strconv.Quote(s.context)+" is not a context", "write user:role:type or user:role:type:level")
		}
	}
	if strings.ContainsAny(l.AppArmor, "\n\x00") {
		c.add(field+"apparmor", strconv.Quote(l.AppArmor)+" is not the name of a profile", "")
	}
}

func number(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// beyond says where an id lies outside the range that the kernel has.
func beyond(start, count uint32) bool { return uint64(start)+uint64(count) > math.MaxUint32 }
