package main

import (
	"errors"
	"strings"

	"github.com/spf13/pflag"

	"github.com/jailspawn/jailspawn/setup"
)

// options is what the command line says, before it becomes a plan. Each group
// of flags has a file of its own, with its struct, its flags and the part of
// the plan that it makes.
type options struct {
	plan    string
	explain bool // of plan alone

	fileOptions
	viewOptions
	nameOptions
	identityOptions
	namedOptions
	seccompOptions
	lifeOptions
	serviceOptions
	landlockOptions
	limitOptions
	watchOptions
	netOptions
	rightsOptions
	scheduleOptions
}

// parse reads the flags of a verb up to the first word that is none. It
// returns the command and how many flags were given that make the plan.
func (o *options) parse(verb string, args []string) (command []string, given int, err error) {
	set := o.flags(verb)
	if err := set.Parse(args); err != nil {
		return nil, 0, flagError(set, err)
	}
	if len(o.sources) > 0 {
		j, err := o.load(set)
		if err != nil {
			return nil, 0, err
		}
		return o.parseAfter(j, len(j.Settings), verb, args)
	}
	return set.Args(), o.givenOf(set), nil
}

// flags is the set of flags of run and plan. Their texts are in help/; a test
// holds the two together.
func (o *options) flags(verb string) *pflag.FlagSet {
	f := pflag.NewFlagSet(verb, pflag.ContinueOnError)
	f.SetInterspersed(false)
	f.SortFlags = false
	f.Usage = func() {}

	f.StringVar(&o.plan, "plan", "", "")
	if verb == "plan" {
		f.BoolVar(&o.explain, "explain", false, "")
	}
	o.fileFlags(f)
	o.viewFlags(f)
	o.nameFlags(f)
	o.identityFlags(f)
	o.namedFlags(f)
	o.seccompFlags(f)
	o.lifeFlags(f)
	o.serviceFlags(f)
	o.landlockFlags(f)
	o.limitFlags(f)
	o.watchFlags(f)
	o.netFlags(f)
	o.rightsFlags(f)
	o.scheduleFlags(f)
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

// build makes the plan that the options describe.
func (o *options) build(command []string) (*setup.Plan, error) {
	if len(command) == 0 {
		return nil, usage("no command given", "jailspawn run [flags] -- CMD")
	}
	p := setup.NewPlan()
	p.Process.Argv = command
	u, err := o.identity(p)
	if err != nil {
		return nil, err
	}
	if err := o.net(p, o.name); err != nil {
		return nil, err
	}
	if err := o.names(p, u); err != nil {
		return nil, err
	}
	if err := o.named(p); err != nil {
		return nil, err
	}
	if err := o.seccomp(p); err != nil {
		return nil, err
	}
	if err := o.life(p); err != nil {
		return nil, err
	}
	if err := o.service(p); err != nil {
		return nil, err
	}
	if err := o.landlockRules(p); err != nil {
		return nil, err
	}
	if err := o.limits(p); err != nil {
		return nil, err
	}
	if err := o.rights(p); err != nil {
		return nil, err
	}
	if err := o.schedule(p); err != nil {
		return nil, err
	}
	if err := o.view(p, u); err != nil {
		return nil, err
	}
	o.suid(p)
	return p, o.netFiles(p)
}
