package main

import (
	"errors"
	"strings"

	"github.com/spf13/pflag"

	"github.com/jailspawn/jailspawn/setup"
)

// options is what the command line says, before it becomes a plan.
type options struct {
	plan string

	root       string
	mounts     []setup.Mount // in the order of the command line
	here       bool
	hereRO     bool
	chdir      string
	hostname   string
	domainname string

	env     []string
	envAll  bool
	uid     int64
	gid     int64
	idMap   string
	hostIDs bool // --no-userns
	share   []string
	capAdd  []string
	capDrop []string
	passFDs []int
}

// parse reads the flags of a verb up to the first word that is none. It
// returns the command and how many flags were given.
func (o *options) parse(verb string, args []string) (command []string, given int, err error) {
	set := o.flags(verb)
	if err := set.Parse(args); err != nil {
		return nil, 0, flagError(set, err)
	}
	return set.Args(), set.NFlag(), nil
}

// flags is the set of flags of run and plan. help.go holds their texts; a test
// holds the two together.
func (o *options) flags(verb string) *pflag.FlagSet {
	f := pflag.NewFlagSet(verb, pflag.ContinueOnError)
	f.SetInterspersed(false)
	f.SortFlags = false
	f.Usage = func() {}

	f.StringVar(&o.plan, "plan", "", "")
	f.StringVar(&o.root, "root", "", "")
	f.BoolVar(&o.here, "here", false, "")
	f.BoolVar(&o.hereRO, "here-ro", false, "")
	for name, parse := range mountFlags {
		f.Var(&mountValue{mounts: &o.mounts, parse: parse}, name, "")
	}
	f.StringVar(&o.chdir, "chdir", "", "")
	f.StringVar(&o.hostname, "hostname", "jail", "")
	f.StringVar(&o.domainname, "domainname", "", "")
	f.StringArrayVar(&o.env, "env", nil, "")
	f.BoolVar(&o.envAll, "env-all", false, "")
	f.Int64Var(&o.uid, "uid", -1, "")
	f.Int64Var(&o.gid, "gid", -1, "")
	f.StringVar(&o.idMap, "map", "auto", "")
	f.BoolVar(&o.hostIDs, "no-userns", false, "")
	f.StringSliceVar(&o.share, "share", nil, "")
	f.StringSliceVar(&o.capAdd, "cap-add", nil, "")
	f.StringSliceVar(&o.capDrop, "cap-drop", nil, "")
	f.IntSliceVar(&o.passFDs, "pass-fd", nil, "")
	return f
}

// flagError says in one line what is wrong with the flags.
func flagError(set *pflag.FlagSet, err error) error {
	if errors.Is(err, pflag.ErrHelp) {
		return err
	}
	hint := "see jailspawn help " + set.Name()
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		var names []string
		set.VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if near := setup.Nearest(unknown.GetSpecifiedName(), names); near != "" {
			hint = "did you mean --" + near + "?"
		}
	}
	return usage(strings.ReplaceAll(err.Error(), "\n", " "), hint)
}

// mountValue appends to the list that all mount flags share, in the order in
// which they were given.
type mountValue struct {
	mounts *[]setup.Mount
	parse  func(string) (setup.Mount, error)
}

func (v *mountValue) String() string { return "" }
func (v *mountValue) Type() string   { return "mount" }

func (v *mountValue) Set(s string) error {
	m, err := v.parse(s)
	if err == nil {
		*v.mounts = append(*v.mounts, m)
	}
	return err
}
