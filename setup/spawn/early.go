package spawn

import (
	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/spawn/cgroup"
	"github.com/jailspawn/jailspawn/setup/spawn/early"
)

// takeEarly makes the jailinit that was started with this program the one of
// the jail, if it is what clone would start; it ends it otherwise, and returns
// nil.
func takeEarly(p *setup.Plan, c *caller, o *Options, init int, g *cgroup.Group) *Jail {
	e := o.Early
	if e == nil || !suits(e, p, c, o, init, g) {
		e.Drop()
		return nil
	}
	j := &Jail{pid: e.PID(), ids: -1, group: g}
	j.plan, j.status, j.control = e.Take()
	err := g.Enter(j.pid)
	if err == nil {
		err = j.writeMaps(p, c)
	}
	if err != nil {
		j.abandon() // clone tries it anew, and tells what is wrong
		return nil
	}
	return j
}

// suits reports whether clone would start jailinit just so.
func suits(e *early.Init, p *setup.Plan, c *caller, o *Options, init int, g *cgroup.Group) bool {
	var st unix.Stat_t
	if unix.Fstat(init, &st) != nil || wantsSeal(p, c, st.Uid) {
		return false
	}
	_, above := aboveCaller(&p.Process.Schedule)
	uid, gid, _ := jailRoot(p, c)
	return e.Runs() && p.CloneFlags() == early.Flags &&
		uid == e.Base() && gid == e.Base() &&
		p.Name == "" && len(p.Process.PassFDs) == 0 && g.FD() < 0 &&
		!above && o.Init == "" && fdOf(o.Stdin, 0) == 0 && fdOf(o.Stdout, 1) == 1 && fdOf(o.Stderr, 2) == 2
}
