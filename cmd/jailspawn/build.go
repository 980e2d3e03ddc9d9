package main

import (
	"math"
	"os"
	osuser "os/user"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jailspawn/jailspawn/setup"
)

// A user is who the payload is inside.
type user struct {
	uid, gid uint32
	name     string
}

// build makes the plan that the options describe.
func (o *options) build(command []string) (*setup.Plan, error) {
	if len(command) == 0 {
		return nil, usage("no command given", "jailspawn run [flags] -- CMD")
	}
	u, err := o.user()
	if err != nil {
		return nil, err
	}
	p := setup.NewPlan()
	p.Share = o.shares()
	p.Domainname = o.domainname
	if !p.Shares(setup.UTSNS) || o.hostname != "jail" {
		p.Hostname = o.hostname
	}
	if p.IDs.Map = o.idMap; o.idMap == "auto" {
		p.IDs.Map = setup.MapAuto
	}
	if err := o.view(p, u); err != nil {
		return nil, err
	}
	capabilities, err := o.capabilities()
	if err != nil {
		return nil, err
	}
	p.Process.Argv = command
	p.Process.UID, p.Process.GID = u.uid, u.gid
	p.Process.Capabilities = capabilities
	p.Process.PassFDs = o.passFDs
	p.Process.Env, err = o.environment(u)
	return p, err
}

// user returns the payload's ids: those asked for; else root's for root, whose
// jail has ids of its own, and the caller's own for anybody else.
func (o *options) user() (user, error) {
	u := user{uid: uint32(os.Geteuid()), gid: uint32(os.Getegid())}
	for _, f := range []struct {
		name  string
		value int64
		ids   []*uint32
	}{{"--uid", o.uid, []*uint32{&u.uid}}, {"--gid", o.gid, []*uint32{&u.gid}}} {
		if f.value < -1 || f.value >= math.MaxUint32 {
			return u, usage(f.name+" is out of range", "ids go from 0 to 4294967294")
		}
		for _, id := range f.ids {
			if f.value >= 0 {
				*id = uint32(f.value)
			}
		}
	}
	if u.uid != 0 && os.Geteuid() == 0 && o.gid < 0 {
		u.gid = u.uid // root's own group is no group for another user
	}
	u.name = "user"
	if u.uid == 0 {
		u.name = "root"
	} else if int(u.uid) == os.Geteuid() {
		if known, err := osuser.LookupId(id(u.uid)); err == nil && !strings.ContainsAny(known.Username, ":/\n") {
			u.name = known.Username
		}
	}
	return u, nil
}

func (o *options) shares() []setup.Namespace {
	var list []setup.Namespace
	for _, s := range o.share {
		list = append(list, setup.Namespace(s))
	}
	if o.hostIDs && !slices.Contains(list, setup.UserNS) {
		list = append(list, setup.UserNS)
	}
	return list
}

// view lays out the file system: the defaults, then what was asked for. A
// default at or below a place that the user fills gives way.
func (o *options) view(p *setup.Plan, u user) error {
	var defaults []setup.Mount
	if o.root != "" {
		root, err := filepath.Abs(o.root)
		if err != nil {
			return setup.Fail("root", o.root, err)
		}
		p.Root.Source = root
		defaults = private(u)[:3]
	} else {
		defaults = hostView(u, o.hostname, p.Shares(setup.NetNS))
	}
	asked, err := o.asked(p)
	if err != nil {
		return err
	}
	for _, d := range defaults {
		if !slices.ContainsFunc(asked, func(m setup.Mount) bool { return beneath(d.Target, m.Target) }) {
			p.Mounts = append(p.Mounts, d)
		}
	}
	p.Mounts = append(p.Mounts, asked...)
	return nil
}

// asked returns the mounts of the command line, the current directory among
// them, and sets the working directory.
func (o *options) asked(p *setup.Plan) ([]setup.Mount, error) {
	asked := slices.Clone(o.mounts)
	p.Process.Cwd = o.chdir
	if !o.here && !o.hereRO {
		return asked, nil
	}
	if o.here && o.hereRO {
		return nil, usage("both --here and --here-ro", "choose one")
	}
	dir, err := os.Getwd()
	if err != nil {
		return nil, setup.Fail("here", "", err)
	}
	home, _ := os.UserHomeDir()
	if dir == "/" || dir == home {
		return nil, usage("--here in "+dir+" would open all of it", "change to a directory below it, or name it with --rw")
	}
	m := setup.Mount{Type: setup.Bind, Source: dir, Target: dir, ReadOnly: o.hereRO}
	if o.hereRO && os.Geteuid() == 0 && o.idMap == "auto" && !p.Shares(setup.UserNS) {
		m.IDMap = setup.IDMapJail
	}
	if p.Process.Cwd == "" {
		p.Process.Cwd = dir
	}
	return append([]setup.Mount{m}, asked...), nil
}

// capabilities returns those added less those dropped, in the kernel's order.
func (o *options) capabilities() ([]string, error) {
	keep := map[string]bool{}
	for _, change := range []struct {
		flag  string
		names []string
		value bool
	}{{"--cap-add", o.capAdd, true}, {"--cap-drop", o.capDrop, false}} {
		for _, n := range change.names {
			name := setup.CapabilityName(n)
			if _, ok := setup.CapabilityMask([]string{name}); !ok && name != "all" {
				return nil, usage(change.flag+" "+n+": unknown capability", "did you mean "+setup.Nearest(name, setup.CapabilityNames())+"? see capabilities(7)")
			}
			for _, known := range setup.CapabilityNames() {
				if known == name || name == "all" {
					keep[known] = change.value
				}
			}
		}
	}
	var list []string
	for _, name := range setup.CapabilityNames() {
		if keep[name] {
			list = append(list, name)
		}
	}
	return list, nil
}

// inherited are the variables that the payload gets from the caller.
func inherited(name string) bool {
	return name == "TERM" || name == "LANG" || name == "TZ" || strings.HasPrefix(name, "LC_")
}

// environment makes the payload's environment. Later words win.
func (o *options) environment(u user) ([]string, error) {
	env := []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=" + u.home(), "USER=" + u.name, "LOGNAME=" + u.name, "SHELL=/bin/sh",
	}
	for _, e := range os.Environ() {
		if name, _, _ := strings.Cut(e, "="); name != "" && (o.envAll || inherited(name)) {
			env = setVariable(env, e)
		}
	}
	for _, e := range o.env {
		name, _, found := strings.Cut(e, "=")
		if name == "" {
			return nil, usage("--env "+e+": no name", "write --env NAME=VALUE, or --env NAME for the caller's value")
		}
		if !found {
			value, set := os.LookupEnv(name)
			if !set {
				return nil, usage("--env "+name+": not set by the caller", "write --env "+name+"=VALUE")
			}
			e = name + "=" + value
		}
		env = setVariable(env, e)
	}
	return env, nil
}

func setVariable(env []string, e string) []string {
	name, _, _ := strings.Cut(e, "=")
	for i := range env {
		if strings.HasPrefix(env[i], name+"=") {
			env[i] = e
			return env
		}
	}
	return append(env, e)
}
