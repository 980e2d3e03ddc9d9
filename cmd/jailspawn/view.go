package main

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/pflag"

	"github.com/jailspawn/jailspawn/setup"
)

// viewOptions say what the payload sees of the file system.
type viewOptions struct {
	root   string
	mounts []setup.Mount // in the order of the command line
	here   bool
	hereRO bool
	chdir  string
}

func (o *viewOptions) viewFlags(f *pflag.FlagSet) {
	f.StringVar(&o.root, "root", "", "")
	f.BoolVar(&o.here, "here", false, "")
	f.BoolVar(&o.hereRO, "here-ro", false, "")
	for name, parse := range mountFlags {
		f.Var(&mountValue{mounts: &o.mounts, parse: parse}, name, "")
	}
	f.StringVar(&o.chdir, "chdir", "", "")
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
