package setup

import (
	"math"
	"strconv"
	"strings"
)

func (p *Plan) checkMounts(c *checker) {
	if p.Root.Source != "" {
		c.absPath("root.source", p.Root.Source)
	}
	p.checkIDMap(c, "root.idmap", p.Root.IDMap)
	for i := range p.Mounts {
		m := &p.Mounts[i]
		field := "mounts[" + strconv.Itoa(i) + "]"
		m.check(c, field)
		p.checkIDMap(c, field+".idmap", m.IDMap)
		for j := range p.Mounts[:i] {
			if reason := m.covers(&p.Mounts[j]); reason != "" {
				c.add(field+".target", m.Target+" "+reason+" "+p.Mounts[j].Target+", mounted before it", "leave out one of them or change their order")
			}
		}
	}
	if p.Shares(PIDNS) && p.hasMount(Proc) {
		c.add("share", "a shared pid namespace has no proc of its own", "")
	}
}

// covers says how m, mounted after earlier, would make it invisible.
func (m *Mount) covers(earlier *Mount) string {
	switch {
	case m.Target == earlier.Target:
		return "stands twice: it would hide"
	case m.Type == Dir || m.Type == Symlink || m.Type == File:
		return ""
	case strings.HasPrefix(earlier.Target, m.Target+"/"):
		return "would hide"
	}
	return ""
}

func (p *Plan) hasMount(t MountType) bool {
	for i := range p.Mounts {
		if p.Mounts[i].Type == t {
			return true
		}
	}
	return false
}

func (m *Mount) check(c *checker, field string) {
	c.absPath(field+".target", m.Target)
	if m.Target == "/" {
		c.add(field+".target", "/ is the root itself", "say what the root is with --root")
	}
	switch m.Type {
	case Bind:
		c.absPath(field+".source", m.Source)
	case Symlink:
		if m.Source == "" {
			c.add(field+".source", "the text of the link is empty", "")
		}
		c.noNUL(field+".source", m.Source)
	case Tmpfs, Proc, Dev, Dir, File:
		if m.Source != "" {
			c.add(field+".source", "a "+string(m.Type)+" has none", "")
		}
	default:
		c.add(field+".type", "unknown type "+strconv.Quote(string(m.Type)), nearestHint(string(m.Type), mountTypes))
	}
	m.checkOptions(c, field)
}

var mountTypes = []string{string(Bind), string(Tmpfs), string(Proc), string(Dev), string(Dir), string(Symlink), string(File)}

// mountOptions says which options each type takes.
var mountOptions = map[MountType]string{
	Bind:    "read_only noexec dev suid optional idmap",
	Tmpfs:   "read_only noexec dev suid mode size",
	Proc:    "read_only",
	Dev:     "",
	Dir:     "mode",
	Symlink: "",
	File:    "mode content",
}

func (m *Mount) checkOptions(c *checker, field string) {
	allowed, known := mountOptions[m.Type]
	if !known {
		return
	}
	for _, o := range []struct {
		name string
		set  bool
	}{
		{"read_only", m.ReadOnly},
		{"noexec", m.NoExec},
		{"dev", m.Dev},
		{"suid", m.Suid},
		{"optional", m.Optional},
		{"idmap", m.IDMap != ""},
		{"mode", m.Mode != 0},
		{"size", m.Size != 0},
		{"content", m.Content != ""},
	} {
		if o.set && !strings.Contains(" "+allowed+" ", " "+o.name+" ") {
			c.add(field+"."+o.name, "a "+string(m.Type)+" takes no such option", "")
		}
	}
	if m.Mode > 0o7777 {
		c.add(field+".mode", "0"+strconv.FormatUint(uint64(m.Mode), 8)+" is more than 07777", "")
	}
	if m.Size > math.MaxInt64 {
		c.add(field+".size", "is larger than any file system", "")
	}
}

func (p *Plan) checkIDMap(c *checker, field, value string) {
	switch value {
	case IDMapAuto, IDMapNone:
	case IDMapJail, IDMapOwner:
		if p.Shares(UserNS) || p.IDs.Map == MapIdentity {
			c.add(field, value+" needs a jail with ids of its own", "leave out --no-userns and --map identity")
		}
	default:
		c.add(field, "unknown mapping "+strconv.Quote(value), "known are none, jail and owner")
	}
}
