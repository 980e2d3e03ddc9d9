package spawn

import (
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/mountfd"
)

// source makes the detached mount of a prepared source with its attributes.
func source(m *setup.Mount) (int, error) {
	if m.Target == "/" && isImage(m.Source) {
		return mountImage(m)
	}
	return mountfd.Source(m)
}

// sources settles, before the clone, who opens the sources of the plan: a
// privileged jailspawn itself; else jailinit, which is given the path of what
// a descriptor shows, as a descriptor can't be bound in another mount
// namespace than its own.
func (c *caller) sources(p *setup.Plan) error {
	root := c.root()
	p.Root.Prepared = root && p.Root.Source != ""
	if !root && isImage(p.Root.Source) {
		return imageNeedsRoot(p.Root.Source)
	}
	for i := range p.Mounts {
		m := &p.Mounts[i]
		if m.Type != setup.Bind && m.Type != setup.Device {
			continue
		}
		m.Prepared = root
		if m.SourceFD != nil {
			if err := reopen(m); err != nil {
				return err
			}
		}
		if !root {
			if err := ordinaryBind(m); err != nil {
				return err
			}
		}
	}
	if !root && p.Root.Source != "" {
		return ordinaryBind(p.Root.Bind())
	}
	return nil
}

// ordinaryBind refuses what needs the host's root.
func ordinaryBind(m *setup.Mount) error {
	detail, hint := "", ""
	switch {
	case m.IDMap == setup.IDMapJail || m.IDMap == setup.IDMapOwner:
		detail, hint = "an id-mapped mount needs root", "leave out idmap"
	case m.NonRecursive:
		detail, hint = "a bind without its submounts needs root, as it uncovers what they hide", "leave out norecursive"
	case m.Propagation == setup.Shared:
		detail, hint = "shared propagation needs root", "use slave"
	default:
		return nil
	}
	return &setup.Error{Step: "mount", Target: m.Target, Detail: detail, Errno: unix.EPERM, Hint: hint}
}

// reopen replaces a descriptor by the path of what it refers to, for jailinit
// to open, and says what has to stand there.
func reopen(m *setup.Mount) error {
	fd := strconv.Itoa(*m.SourceFD)
	fail := func(err error, hint string) error {
		e := setup.Fail("descriptor", fd, err).(*setup.Error)
		e.Status, e.Hint = setup.StatusMisuse, hint
		return e
	}
	expect, err := mountfd.InodeOf(*m.SourceFD)
	if err != nil {
		return fail(err, "name one that is open in jailspawn")
	}
	var buf [4096]byte
	n, err := unix.Readlink("/proc/self/fd/"+fd, buf[:])
	if err != nil {
		return fail(err, "")
	}
	name := string(buf[:n])
	if name[0] != '/' {
		return fail(unix.ENOTDIR, "it is no file or directory but "+name)
	}
	if !m.Prepared {
		m.SourceFD, m.Source, m.Expect = nil, name, expect
	}
	return nil
}
