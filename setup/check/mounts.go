package check

import (
	"math"
	"strconv"
	"strings"

	"github.com/jailspawn/jailspawn/setup"
)

func (c *checker) mounts(p *setup.Plan) {
	if p.Root.Source != "" {
		c.absPath("root.source", p.Root.Source)
	}
	c.idMapping(p, "root.idmap", p.Root.IDMap)
	for i := range p.Mounts {
		m := &p.Mounts[i]
		field := "mounts[" + strconv.Itoa(i) + "]"
		c.mount(m, field)
		c.idMapping(p, field+".idmap", m.IDMap)
		for j := range p.Mounts[:i] {
			if reason := covers(m, &p.Mounts[j]); reason != "" {
				c.add(field+".target", m.Target+" "+reason+" "+p.Mounts[j].Target+", mounted before it", "leave out one of them or change their order")
			}
		}
	}
	if p.Shares(setup.PIDNS) && hasMount(p, setup.Proc) {
		c.add("share", "a shared pid namespace has no proc of its own", "")
	}
}

// covers says how m, mounted after earlier, would make it invisible.
func covers(m, earlier *setup.Mount) string {
	switch {
	case m.Target == earlier.Target:
		return "stands twice: it would hide"
	case m.Type == setup.Dir || m.Type == setup.Symlink || m.Type == setup.File:
		return ""
	case strings.HasPrefix(earlier.Target, m.Target+"/"):
		return "would hide"
	}
	return ""
}

func hasMount(p *setup.Plan, t setup.MountType) bool {
	for i := range p.Mounts {
		if p.Mounts[i].Type == t {
			return true
		}
	}
	return false
}

func (c *checker) mount(m *setup.Mount, field string) {
	c.absPath(field+".target", m.Target)
	if m.Target == "/" {
		c.add(field+".target", "/ is the root itself", "say what the root is with --root")
	}
	switch m.Type {
	case setup.Bind:
		c.absPath(field+".source", m.Source)
	case setup.Symlink:
		if m.Source == "" {
			c.add(field+".source", "the text of the link is empty", "")
		}
		c.noNUL(field+".source", m.Source)
	case setup.Tmpfs, setup.Proc, setup.Dev, setup.Dir, setup.File:
		if m.Source != "" {
			c.add(field+".source", "a "+string(m.Type)+" has none", "")
		}
	default:
		c.add(field+".type", "unknown type "+strconv.Quote(string(m.Type)), nearestHint(string(m.Type), mountTypes))
	}
	c.mountOptions(m, field)
}

var mountTypes = []string{string(setup.Bind), string(setup.Tmpfs), string(setup.Proc), string(setup.Dev), string(setup.Dir), string(setup.Symlink), string(setup.File)}

// mountOptions says which options each type takes.
var mountOptions = map[setup.MountType]string{
	setup.Bind:    "read_only noexec dev suid optional idmap",
	setup.Tmpfs:   "read_only noexec dev suid mode size",
	setup.Proc:    "read_only",
	setup.Dev:     "",
	setup.Dir:     "mode",
	setup.Symlink: "",
	setup.File:    "mode content",
}

func (c *checker) mountOptions(m *setup.Mount, field string) {
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

func (c *checker) idMapping(p *setup.Plan, field, value string) {
	switch value {
	case setup.IDMapAuto, setup.IDMapNone:
	case setup.IDMapJail, setup.IDMapOwner:
		if p.Shares(setup.UserNS) || p.IDs.Map == setup.MapIdentity {
			c.add(field, value+" needs a jail with ids of its own", "leave out --no-userns and --map identity")
		}
	default:
		c.add(field, "unknown mapping "+strconv.Quote(value), "known are none, jail and owner")
	}
}
