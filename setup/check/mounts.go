package check

import (
	"slices"
	"strconv"
	"strings"

	"github.com/jailspawn/jailspawn/setup"
)

func (c *checker) mounts(p *setup.Plan) {
	c.root(p)
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
	c.secondProc(p)
	for _, n := range []struct {
		ns   setup.Namespace
		kind setup.MountType
		hint string
	}{
		{setup.PIDNS, setup.Proc, "--proc host shows that of the host"},
		{setup.NetNS, setup.Sys, "--ro /sys shows that of the host"},
		{setup.IPCNS, setup.Mqueue, "--rw /dev/mqueue shows that of the host"},
	} {
		if p.Shares(n.ns) && !p.Shares(setup.UserNS) && hasMount(p, n.kind) {
			c.add("share", "a shared "+string(n.ns)+" namespace has no "+string(n.kind)+" of its own", n.hint)
		}
	}
}

// secondProc wants the proc by which a payload with sys_admin gets its own
// namespaces: jailinit can write their maps nowhere else.
func (c *checker) secondProc(p *setup.Plan) {
	if !p.OwnMounts() || p.Shares(setup.PIDNS) {
		return
	}
	var last setup.Mount
	for i := range p.Mounts {
		if p.Mounts[i].Target == "/proc" {
			last = p.Mounts[i]
		}
	}
	if last.Type != setup.Proc || last.ReadOnly {
		c.add("mounts", "a payload with sys_admin needs a proc of the jail's own at /proc, not read-only as a whole", "leave out --proc, or sys_admin")
	}
}

// covers says how m, mounted after earlier, would make it invisible.
func covers(m, earlier *setup.Mount) string {
	switch {
	case m.Type == setup.Mask || m.Type == setup.Protect || m.Type == setup.Keep:
		return "" // that is what they are for
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
		c.bindSource(m, field)
	case setup.Device:
		c.absPath(field+".source", m.Source)
	case setup.Symlink:
		if m.Source == "" {
			c.add(field+".source", "the text of the link is empty", "")
		}
		c.noNUL(field+".source", m.Source)
	case setup.Tmpfs, setup.Proc, setup.Dev, setup.Dir, setup.File, setup.Mqueue, setup.Sys, setup.Mask, setup.Protect, setup.Keep:
		if m.Source != "" {
			c.add(field+".source", "a "+string(m.Type)+" has none", "")
		}
	default:
		c.add(field+".type", "unknown type "+strconv.Quote(string(m.Type)), nearestHint(string(m.Type), words(setup.MountTypes)))
	}
	c.mountOptions(m, field)
}

func (c *checker) bindSource(m *setup.Mount, field string) {
	switch {
	case m.SourceFD == nil:
		c.absPath(field+".source", m.Source)
	case m.Source != "":
		c.add(field+".source_fd", "there is a path as well", "leave out one of the two")
	case *m.SourceFD < 0 || *m.SourceFD > maxPassFD:
		c.add(field+".source_fd", strconv.Itoa(*m.SourceFD)+" is not between 0 and "+strconv.Itoa(maxPassFD), "")
	case m.Follow:
		c.add(field+".follow", "a descriptor leads over no link", "")
	}
}

// mountOptions says which options a type takes.
func mountOptions(t setup.MountType) (options string) {
	switch t {
	case setup.Bind:
		return "source_fd follow read_only noexec noatime dev suid non_recursive propagation optional idmap"
	case setup.Tmpfs:
		return "read_only noexec noatime dev suid uid gid mode size"
	case setup.Proc:
		return "read_only subset hidepid"
	case setup.Dir:
		return "mode"
	case setup.File:
		return "mode content optional"
	case setup.Keep:
		return "read_only content"
	}
	return ""
}

func (c *checker) mountOptions(m *setup.Mount, field string) {
	if !slices.Contains(setup.MountTypes, m.Type) {
		return
	}
	allowed := mountOptions(m.Type)
	for _, o := range []struct {
		name string
		set  bool
	}{
		{"source_fd", m.SourceFD != nil},
		{"follow", m.Follow},
		{"read_only", m.ReadOnly},
		{"noexec", m.NoExec},
		{"noatime", m.NoATime},
		{"dev", m.Dev},
		{"suid", m.Suid},
		{"non_recursive", m.NonRecursive},
		{"propagation", m.Propagation != ""},
		{"optional", m.Optional},
		{"idmap", m.IDMap != ""},
		{"uid", m.UID != 0},
		{"gid", m.GID != 0},
		{"mode", m.Mode != 0},
		{"size", m.Size != 0},
		{"content", m.Content != ""},
		{"subset", m.Subset != ""},
		{"hidepid", m.HidePID != ""},
	} {
		if o.set && !hasWord(allowed, o.name) {
			c.add(field+"."+o.name, "a "+string(m.Type)+" takes no such option", "")
		}
	}
	if m.Mode > 0o7777 {
		c.add(field+".mode", "0"+strconv.FormatUint(uint64(m.Mode), 8)+" is more than 07777", "")
	}
	if m.Size != 0 {
		c.size(field+".size", m.Size)
	}
	if m.Propagation != "" {
		c.propagation(field+".propagation", m.Propagation)
	}
	if m.Subset != "" && m.Subset != "pid" {
		c.add(field+".subset", "unknown subset "+strconv.Quote(m.Subset), "the only one is pid")
	}
	if m.HidePID != "" && !slices.Contains(hidePID, m.HidePID) {
		c.add(field+".hidepid", "unknown word "+strconv.Quote(m.HidePID), nearestHint(m.HidePID, hidePID))
	}
}

var hidePID = []string{"noaccess", "invisible", "ptraceable"}

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

// hasWord looks for a word in a list without making new strings, as a plan has
// many mounts.
func hasWord(list, word string) bool {
	for list != "" {
		var first string
		first, list, _ = strings.Cut(list, " ")
		if first == word {
			return true
		}
	}
	return false
}
