package main

import (
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/jailspawn/jailspawn/setup"
)

// nameOptions are the names of the jail, and what the payload starts with.
type nameOptions struct {
	hostname   string
	domainname string
	env        []string
	envAll     bool
	passFDs    []int
}

func (o *nameOptions) nameFlags(f *pflag.FlagSet) {
	f.StringVar(&o.hostname, "hostname", "jail", "")
	f.StringVar(&o.domainname, "domainname", "", "")
	repeated(f, &o.env, "env")
	f.BoolVar(&o.envAll, "env-all", false, "")
	f.IntSliceVar(&o.passFDs, "pass-fd", nil, "")
}

// names fills in the names, the environment and the descriptors.
func (o *nameOptions) names(p *setup.Plan, u user) (err error) {
	p.Domainname = o.domainname
	if !p.Shares(setup.UTSNS) || o.hostname != "jail" {
		p.Hostname = o.hostname
	}
	p.Process.PassFDs = o.passFDs
	p.Process.Env, err = o.environment(u)
	return err
}

// inherited are the variables that the payload gets from the caller.
func inherited(name string) bool {
	return name == "TERM" || name == "LANG" || name == "TZ" || strings.HasPrefix(name, "LC_")
}

// environment makes the payload's environment. Later words win.
func (o *nameOptions) environment(u user) ([]string, error) {
	env := []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=" + u.home(), "USER=" + u.name, "LOGNAME=" + u.name, "SHELL=" + u.shell,
	}
	return override(env, o.env, o.envAll)
}

// override sets in env what the payload gets from the caller, or all that the
// caller has, and then the words of --env.
func override(env, words []string, all bool) ([]string, error) {
	for _, e := range os.Environ() {
		if name, _, _ := strings.Cut(e, "="); name != "" && (all || inherited(name)) {
			env = setVariable(env, e)
		}
	}
	for _, e := range words {
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
