package meaning

import (
	"slices"
	"strconv"
	"strings"

	"github.com/jailspawn/jailspawn/setup"
)

// files tells what can be seen and written.
func (f *facts) files(p *setup.Plan) {
	f.root(&p.Root)
	for i := range p.Mounts {
		m := &p.Mounts[i]
		if masked(m.Target, p.Mounts[i+1:]) {
			continue
		}
		text, item := mountText(m)
		f.say(Files, text, item)
		for _, extra := range []struct {
			is   bool
			text string
		}{
			{m.Type == setup.Bind && m.Dev, "Device nodes work in %s."},
			{m.Type == setup.Bind && m.Suid, "Set-user-ID bits and file capabilities count in %s."},
			{m.NoExec, "No program can be executed from %s."},
		} {
			if extra.is {
				f.say(Files, extra.text, m.Target)
			}
		}
	}
	if slices.ContainsFunc(p.Mounts, func(m setup.Mount) bool { return m.Type == setup.Keep }) {
		f.say(Files, "In places of the host that are kept free an empty directory or a file stands while the jail runs.")
	}
	if p.Process.Cwd != "" {
		f.say(Files, "The command starts in %s.", p.Process.Cwd)
	}
}

// masked reports whether a later mask hides a path.
func masked(path string, later []setup.Mount) bool {
	for _, m := range later {
		if m.Type == setup.Mask && (path == m.Target || strings.HasPrefix(path, m.Target+"/")) {
			return true
		}
	}
	return false
}

func (f *facts) root(r *setup.Root) {
	switch {
	case r.Source == "":
		f.say(Files, "The root is a file system of the jail's own in memory; nothing of the host's files is in it but what is listed here.")
		if r.Writable || r.Size != 0 {
			f.say(Files, "The root can be written, and what is written is gone with the jail.")
		}
	case r.Overlay && r.Upper != "":
		f.say(Files, "The root is the host's %s; what is written goes to "+r.Upper+" and stays.", r.Source)
	case r.Overlay:
		f.say(Files, "The root is the host's %s; what is written is gone with the jail.", r.Source)
	case r.Writable:
		f.say(Files, "The root is the host's %s, and can be written.", r.Source)
	default:
		f.say(Files, "The root is the host's %s, and can't be written.", r.Source)
	}
}

func mountText(m *setup.Mount) (text, item string) {
	place := m.Target
	if (m.Type == setup.Bind || m.Type == setup.Device) && m.Source != m.Target {
		place = m.Source + " (as " + m.Target + ")"
	}
	switch m.Type {
	case setup.Bind:
		switch {
		case m.ReadOnly && m.Optional:
			return "These parts of the host, where it has them, can be read and not written: %s.", place
		case m.ReadOnly:
			return "The host's %s can be read and not written.", place
		case m.Optional:
			return "These parts of the host, where it has them, can be written, and what is written stays: %s.", place
		}
		return "The host's %s can be written, and what is written stays.", place
	case setup.Tmpfs:
		if m.ReadOnly {
			return "Empty: %s.", m.Target
		}
		return "Empty at first, writable, and gone with the jail: %s.", withSize(m)
	case setup.Proc:
		return "%s shows the jail's own processes; its settings can't be changed.", m.Target
	case setup.Dev:
		return "%s has null, zero, full, random, urandom, tty and terminals of the jail's own, and no other device.", m.Target
	case setup.Dir:
		return "Directories of the jail's own: %s.", m.Target
	case setup.Symlink:
		return "Symbolic links of the jail's own: %s.", m.Target + " -> " + m.Source
	case setup.File:
		return "Files of the jail's own: %s.", m.Target
	case setup.Mqueue:
		return "%s shows the jail's own message queues.", m.Target
	case setup.Sys:
		return "%s shows the devices of the jail's own network, and can't be written.", m.Target
	case setup.Device:
		return "The host's device %s can be used.", place
	case setup.Mask:
		return "What stands here is hidden: %s.", m.Target
	case setup.Protect:
		return "What stands here can't be written: %s.", m.Target
	case setup.Keep:
		if m.ReadOnly {
			return "Nothing can be written, moved, replaced or made at: %s.", m.Target
		}
		return "Directories here can be written, but not moved, replaced or, where they are missing, made: %s.", m.Target
	}
	return "Of the type " + string(m.Type) + " is %s.", place
}

func withSize(m *setup.Mount) string {
	if m.Size == 0 {
		return m.Target
	}
	return m.Target + " (at most " + strconv.FormatUint(m.Size, 10) + " bytes)"
}
