package main

import (
	"os"
	"slices"

	"github.com/spf13/pflag"

	"github.com/jailspawn/jailspawn/setup"
)

// viewOptions say what the payload sees of the file system.
type viewOptions struct {
	rootOptions
	mounts  []setup.Mount // in the order of the command line
	here    bool
	hereRO  bool
	chdir   string
	subset  string
	hidePID string
}

func (o *viewOptions) viewFlags(f *pflag.FlagSet) {
	o.rootFlags(f)
	f.BoolVar(&o.here, "here", false, "")
	f.BoolVar(&o.hereRO, "here-ro", false, "")
	for name, flag := range mountFlags() {
		f.Var(&mountValue{&o.mounts, flag}, name, "")
		if flag.alone != "" {
			f.Lookup(name).NoOptDefVal = "true"
		}
	}
	f.StringVar(&o.subset, "proc-subset", "", "")
	f.StringVar(&o.hidePID, "hidepid", "", "")
	f.StringVar(&o.chdir, "chdir", "", "")
}

// view lays out the file system: the defaults, then what was asked for. A
// default at or below a place that the user fills gives way.
func (o *options) view(p *setup.Plan, u user) error {
	defaults, err := o.rootAndDefaults(p, u)
	if err != nil {
		return err
	}
	asked, err := o.asked(p)
	if err != nil {
		return err
	}
	sharePIDs(p, defaults)
	p.Mounts = make([]setup.Mount, 0, len(defaults)+len(asked))
	for _, d := range defaults {
		if !slices.ContainsFunc(asked, func(m setup.Mount) bool { return fills(m, d) }) {
			p.Mounts = append(p.Mounts, d)
		}
	}
	for _, m := range asked {
		if m.Type != nothing {
			p.Mounts = append(p.Mounts, m)
		}
	}
	if err := o.procOptions(p); err != nil {
		return err
	}
	return o.propagate(p)
}

// sharePIDs puts the host's proc in the place of the jail's own, which a user
// namespace can't have without a PID namespace.
func sharePIDs(p *setup.Plan, defaults []setup.Mount) {
	for i := range defaults {
		if defaults[i].Type == setup.Proc && p.Shares(setup.PIDNS) && !p.Shares(setup.UserNS) {
			defaults[i], _ = procFlag("host")
		}
	}
}

// fills reports whether m takes the place of a default.
func fills(m, standard setup.Mount) bool {
	if m.Type == setup.Mask || m.Type == setup.Protect || m.Type == setup.Keep {
		return false
	}
	return beneath(standard.Target, m.Target)
}

// procOptions sets --proc-subset and --hidepid on the jail's proc.
func (o *options) procOptions(p *setup.Plan) error {
	if o.subset == "" && o.hidePID == "" {
		return nil
	}
	if word, ok := hidePIDs[o.hidePID]; ok {
		o.hidePID = word
	}
	found := false
	for i := range p.Mounts {
		if m := &p.Mounts[i]; m.Type == setup.Proc {
			found = true
			m.Subset, m.HidePID = o.subset, o.hidePID
		}
	}
	if !found {
		return usage("--proc-subset and --hidepid need a proc of the jail's own", "leave out --proc")
	}
	return nil
}

// hidePIDs are the numbers of proc(5) for the words of the plan.
var hidePIDs = map[string]string{"0": "", "1": "noaccess", "2": "invisible", "4": "ptraceable"}

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
	source, err := physical(".")
	if err != nil {
		return nil, setup.Fail("here", "", err)
	}
	opened := opensHome(source)
	if source == "/" {
		opened = "it"
	}
	if opened != "" {
		return nil, usage("--here in "+dir+" would open all of "+opened, "change to a directory below it, or name it with --rw")
	}
	m := setup.Mount{Type: setup.Bind, Source: source, Target: dir, ReadOnly: o.hereRO}
	if o.hereRO && os.Geteuid() == 0 && p.IDs.Map == setup.MapAuto && !p.Shares(setup.UserNS) {
		m.IDMap = setup.IDMapJail
	}
	if p.Process.Cwd == "" {
		p.Process.Cwd = dir
	}
	return append([]setup.Mount{m}, asked...), nil
}
