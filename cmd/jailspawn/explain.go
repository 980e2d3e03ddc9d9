package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/pflag"

	"github.com/jailspawn/jailspawn/setup/jailfile"
	"github.com/jailspawn/jailspawn/setup/meaning"
)

// anyCommand stands for the command where only the jail is to be explained.
const anyCommand = "COMMAND"

// explainPlan says in plain sentences what the plan of some arguments means,
// each with what asked for it.
func (o *options) explainPlan(verb string, args, command []string, given int) error {
	if len(command) == 0 && o.plan == "" {
		command = []string{anyCommand}
	}
	p, err := o.checkedPlan(command, given)
	if err != nil {
		return o.blame(verb, args, err)
	}
	facts := meaning.Of(p, os.Geteuid() == 0)
	reasons := map[meaning.Fact]string{}
	if o.plan == "" {
		settings, err := o.settings(verb, args)
		if err != nil {
			return err
		}
		reasons = reasonsFor(verb, command, settings)
	}
	tell(os.Stdout, facts, reasons)
	return nil
}

// settings lists what the files and then the flags set, in their order.
func (o *options) settings(verb string, args []string) ([]jailfile.Setting, error) {
	var all []jailfile.Setting
	if o.jail != nil {
		all = append(all, o.jail.Settings...)
	}
	set := new(options).flags(verb)
	err := set.ParseAll(args, func(f *pflag.Flag, value string) error {
		if notSettings[f.Name] {
			return nil
		}
		key := "--" + f.Name
		if f.NoOptDefVal != value {
			key += " " + value
		}
		all = append(all, jailfile.Setting{Flag: f.Name, Value: value, Key: key})
		return nil
	})
	return all, err
}

// notSettings are the flags that say where the plan comes from and what becomes
// of it.
var notSettings = map[string]bool{"jail-file": true, "preset": true, "var": true, "plan": true, "explain": true}

// reasonsFor finds what each fact is due to: the first setting after which it
// shows. What shows before the first is the default.
func reasonsFor(verb string, command []string, settings []jailfile.Setting) map[meaning.Fact]string {
	reasons := map[meaning.Fact]string{}
	for n := range len(settings) + 1 {
		reason := "by default"
		if n > 0 {
			s := settings[n-1]
			if reason = s.Key; s.At.File != "" {
				reason += " in " + s.At.String()
			}
		}
		for _, fact := range factsAfter(verb, command, settings[:n]) {
			if _, known := reasons[fact]; !known {
				reasons[fact] = reason
			}
		}
	}
	return reasons
}

// factsAfter explains the plan of some settings; settings that make no plan by
// themselves explain nothing.
func factsAfter(verb string, command []string, settings []jailfile.Setting) []meaning.Fact {
	o := new(options)
	set := o.flags(verb)
	for _, s := range settings {
		if set.Set(s.Flag, s.Value) != nil {
			return nil
		}
	}
	p, err := o.build(command)
	if err != nil {
		return nil
	}
	return meaning.Of(p, os.Geteuid() == 0)
}

// tell writes the facts by topic, those of one text and reason in one sentence.
func tell(w io.Writer, facts []meaning.Fact, reasons map[meaning.Fact]string) {
	type sentence struct{ topic, text, reason string }
	items := map[sentence][]string{}
	var order []sentence
	for _, f := range facts {
		s := sentence{f.Topic, f.Text, reasons[f]}
		if items[s] == nil {
			order = append(order, s)
		}
		items[s] = append(items[s], f.Item)
	}
	for _, topic := range meaning.Topics {
		heading := topic + "\n"
		for _, s := range order {
			if s.topic != topic {
				continue
			}
			fmt.Fprint(w, heading, "  ", meaning.Sentence(s.text, items[s]))
			if s.reason != "" {
				fmt.Fprint(w, " (", s.reason, ")")
			}
			fmt.Fprintln(w)
			heading = ""
		}
	}
}
