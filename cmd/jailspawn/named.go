package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/kballard/go-shellquote"
	"github.com/spf13/pflag"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/spawn/cgroup"
	"github.com/jailspawn/jailspawn/setup/spawn/keep"
	"github.com/jailspawn/jailspawn/setup/spawn/named"
)

// namedOptions are the jail's name on the host and what is run beside it.
type namedOptions struct {
	name        string
	preStart    []string
	postStart   []string
	postStop    []string
	hookTimeout time.Duration
}

func (o *namedOptions) namedFlags(f *pflag.FlagSet) {
	f.StringVar(&o.name, "name", "", "")
	repeated(f, &o.preStart, "pre-start")
	repeated(f, &o.postStart, "post-start")
	repeated(f, &o.postStop, "post-stop")
	f.DurationVar(&o.hookTimeout, "hook-timeout", 0, "")
}

// named fills in the name and the hooks.
func (o *namedOptions) named(p *setup.Plan) error {
	p.Name = o.name
	for _, h := range []struct {
		flag  string
		lines []string
		hooks *[][]string
	}{
		{"--pre-start", o.preStart, &p.Hooks.PreStart},
		{"--post-start", o.postStart, &p.Hooks.PostStart},
		{"--post-stop", o.postStop, &p.Hooks.PostStop},
	} {
		for _, line := range h.lines {
			words, err := shellquote.Split(line)
			if err != nil || len(words) == 0 {
				return usage(h.flag+" "+line+": no command, or a quote that doesn't end", "it is split into words as a shell would, but run without one")
			}
			*h.hooks = append(*h.hooks, words)
		}
	}
	if o.hookTimeout < 0 || (o.hookTimeout > 0 && o.hookTimeout < time.Millisecond) || o.hookTimeout > 24*time.Hour {
		return usage("--hook-timeout "+o.hookTimeout.String()+" is out of range", "from 1ms to 24h; the default is 30s")
	}
	p.Hooks.Timeout = uint32(o.hookTimeout.Milliseconds())
	return nil
}

// A namedVerb is what the verbs about running jails have in common: flags, and
// words behind them.
type namedVerb struct {
	*pflag.FlagSet
	least, most int
	want        string // what the words are, for the hint
}

func newNamedVerb(name string, least, most int, want string) *namedVerb {
	f := pflag.NewFlagSet(name, pflag.ContinueOnError)
	f.SortFlags = false
	f.Usage = func() {}
	return &namedVerb{f, least, most, want}
}

// errHelp asks for the verb's page of help.
var errHelp = pflag.ErrHelp

// parse reads the flags and counts the words.
func (v *namedVerb) parse(args []string) error {
	if err := v.Parse(args); err != nil {
		return flagError(v.FlagSet, err)
	}
	if n := v.NArg(); n < v.least || n > v.most {
		return usage(v.Name()+" takes "+v.want, "see jailspawn help "+v.Name())
	}
	return nil
}

// onJails makes a verb that works on the runtime directory, once it has swept
// what killed ones left. The directory is nil where no jail had a name.
func onJails(name string, run func(dir *named.Dir, args []string) (int, error)) verb {
	return verb{name, func(args []string) (int, error) {
		dir, err := named.OpenExisting()
		if err != nil {
			return 0, err
		}
		defer dir.Close()
		if err := sweep(dir, os.Stderr); err != nil {
			return 0, err
		}
		status, err := run(dir, args)
		if errors.Is(err, errHelp) {
			return printHelp([]string{name})
		}
		return status, err
	}}
}

// sweep removes what killed jailspawns left, and says so.
func sweep(dir *named.Dir, w io.Writer) error {
	names, err := dir.Sweep()
	for _, name := range names {
		fmt.Fprintln(w, "jailspawn: removed what was left of "+name+", whose jailspawn was killed")
	}
	for _, path := range cgroup.Sweep() {
		fmt.Fprintln(w, "jailspawn: removed "+path+", whose jailspawn was killed")
	}
	if err != nil {
		return err
	}
	kept, err := keep.Sweep()
	for _, path := range kept {
		fmt.Fprintln(w, "jailspawn: removed "+path+", which a killed jailspawn had put there")
	}
	if err != nil {
		return err
	}
	return restoreDevices(w)
}

// onJail makes a verb that works on one running jail.
func onJail(name string, flags func(*pflag.FlagSet), run func(j *named.Jail) (int, error)) verb {
	return onJails(name, func(dir *named.Dir, args []string) (int, error) {
		v := newNamedVerb(name, 1, 1, "the name of a jail")
		if flags != nil {
			flags(v.FlagSet)
		}
		if err := v.parse(args); err != nil {
			return 0, err
		}
		j, err := dir.Find(v.Arg(0))
		if err != nil {
			return 0, err
		}
		defer j.Close()
		return run(j)
	})
}
