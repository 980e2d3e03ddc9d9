package meaning

import (
	"strconv"

	"github.com/jailspawn/jailspawn/setup"
)

// files tells what can be seen and written.
func (f *facts) files(p *setup.Plan) {
	switch {
	case p.Root.Source == "":
		f.say(Files, "The root is a file system of the jail's own in memory; nothing of the host's files is in it but what is listed here.")
	case p.Root.Writable:
		f.say(Files, "The root is the host's %s, and can be written.", p.Root.Source)
	default:
		f.say(Files, "The root is the host's %s, and can't be written.", p.Root.Source)
	}
	for i := range p.Mounts {
		m := &p.Mounts[i]
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
	if p.Process.Cwd != "" {
		f.say(Files, "The command starts in %s.", p.Process.Cwd)
	}
}

func mountText(m *setup.Mount) (text, item string) {
	place := m.Target
	if m.Type == setup.Bind && m.Source != m.Target {
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
	}
	return "Of the type " + string(m.Type) + " is %s.", place
}

func withSize(m *setup.Mount) string {
	if m.Size == 0 {
		return m.Target
	}
	return m.Target + " (at most " + strconv.FormatUint(m.Size, 10) + " bytes)"
}
