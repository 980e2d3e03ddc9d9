package main

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/jailspawn/jailspawn/setup"
)

// rightsOptions say what the payload may do.
type rightsOptions struct {
	caps        string
	capAdd      []string
	capDrop     []string
	capBound    []string
	securebits  []string
	allowSetuid bool

	selinuxLabel    string
	apparmorProfile string
	mountContext    string
}

func (o *rightsOptions) rightsFlags(f *pflag.FlagSet) {
	f.StringVar(&o.caps, "caps", "none", "")
	commaSeparated(f, &o.capAdd, "cap-add")
	commaSeparated(f, &o.capDrop, "cap-drop")
	commaSeparated(f, &o.capBound, "cap-bound")
	commaSeparated(f, &o.securebits, "securebits")
	f.BoolVar(&o.allowSetuid, "allow-setuid", false, "")
	f.StringVar(&o.selinuxLabel, "selinux-label", "", "")
	f.StringVar(&o.apparmorProfile, "apparmor-profile", "", "")
	f.StringVar(&o.mountContext, "mount-context", "", "")
}

// rights fills in capabilities, what goes with them, and labels.
func (o *rightsOptions) rights(p *setup.Plan) error {
	pr := &p.Process
	keep := map[string]bool{}
	sets := setup.CapabilitySets()
	set, ok := sets[o.caps]
	if !ok {
		return usage("--caps "+o.caps+": no set of that name", "none, default, seed and all; single ones go with --cap-add")
	}
	for _, name := range set {
		keep[name] = true
	}
	bound := map[string]bool{}
	for _, change := range []struct {
		flag  string
		names []string
		set   map[string]bool
		value bool
	}{{"--cap-add", o.capAdd, keep, true}, {"--cap-drop", o.capDrop, keep, false}, {"--cap-bound", o.capBound, bound, true}} {
		for _, name := range change.names {
			names, err := capabilityNames(change.flag, name, sets)
			if err != nil {
				return err
			}
			for _, n := range names {
				change.set[n] = change.value
			}
		}
	}
	for _, name := range setup.CapabilityNames() {
		switch {
		case keep[name]:
			pr.Capabilities = append(pr.Capabilities, name)
		case bound[name]:
			pr.Bounding = append(pr.Bounding, name)
		}
	}
	pr.AllowSetuid = o.allowSetuid
	pr.Securebits = o.bits(pr)
	pr.Labels = setup.Labels{SELinux: o.selinuxLabel, AppArmor: o.apparmorProfile, Mount: o.mountContext}
	return nil
}

// bits are those asked for; else, where there is no capability to lose, all:
// then uid 0 means nothing to the kernel even if the bounding set failed.
func (o *rightsOptions) bits(p *setup.Process) []string {
	if len(o.securebits) > 0 {
		return slices.DeleteFunc(o.securebits, func(s string) bool { return s == "none" })
	}
	if len(p.Capabilities) > 0 || p.AllowSetuid {
		return nil
	}
	return setup.SecurebitNames()
}

// capabilityNames reads one word of a flag: a capability, as people write them,
// or a set.
func capabilityNames(flag, word string, sets map[string][]string) ([]string, error) {
	name := setup.CapabilityName(word)
	if set, ok := sets[name]; ok && name != "none" {
		return set, nil
	}
	if setup.CapabilityNumber(name) < 0 {
		hint := "see capabilities(7)"
		if near := setup.Nearest(name, setup.CapabilityNames()); near != "" {
			hint = "did you mean " + near + "? " + hint
		}
		return nil, usage(flag+" "+word+": unknown capability", hint)
	}
	return []string{name}, nil
}

// suid lets set-user-ID files count in the default mounts and in the root.
func (o *rightsOptions) suid(p *setup.Plan) {
	if !o.allowSetuid {
		return
	}
	p.Root.Suid = true
	for i := range p.Mounts {
		if m := &p.Mounts[i]; m.Type == setup.Bind && m.Optional && slices.Contains(programs, m.Target) && strings.HasPrefix(m.Source, "/") {
			m.Suid = true
		}
	}
}
