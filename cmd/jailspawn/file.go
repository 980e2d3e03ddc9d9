package main

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sort"
	"strconv"
	"strings"

	"github.com/hashicorp/go-multierror"
	"github.com/spf13/pflag"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/jailfile"
)

// fileOptions name the jail files and presets that come before the flags.
type fileOptions struct {
	sources []jailfile.Source
	vars    []string

	jail *jailfile.Jail // what they say; nil without any
}

func (o *fileOptions) fileFlags(f *pflag.FlagSet) {
	f.VarP(&sourceValue{sources: &o.sources}, "jail-file", "f", "")
	f.Var(&sourceValue{sources: &o.sources, preset: true}, "preset", "")
	repeated(f, &o.vars, "var")
}

// sourceValue collects files and presets in the order of the command line.
type sourceValue struct {
	sources *[]jailfile.Source
	preset  bool
}

func (v *sourceValue) String() string { return "" }
func (v *sourceValue) Type() string   { return "source" }

func (v *sourceValue) Set(s string) error {
	if s == "" {
		return errors.New("no name given")
	}
	*v.sources = append(*v.sources, jailfile.Source{Name: s, Preset: v.preset})
	return nil
}

//go:embed presets/*.jail.toml
var presetFiles embed.FS

const jailSuffix = ".jail.toml"

// presets returns the presets by name.
func presets() (map[string][]byte, error) {
	entries, err := presetFiles.ReadDir("presets")
	all := make(map[string][]byte, len(entries))
	for _, e := range entries {
		if err == nil {
			all[strings.TrimSuffix(e.Name(), jailSuffix)], err = presetFiles.ReadFile("presets/" + e.Name())
		}
	}
	return all, err
}

// printPreset is the verb preset.
func printPreset(args []string) (int, error) {
	all, err := presets()
	if err != nil {
		return 0, err
	}
	var names []string
	for name := range all {
		names = append(names, name)
	}
	sort.Strings(names)
	if len(args) == 0 {
		fmt.Println(strings.Join(names, "\n"))
		return 0, nil
	}
	data, ok := all[args[0]]
	if !ok || len(args) > 1 {
		return 0, usage("no preset "+strconv.Quote(strings.Join(args, " ")), "presets are "+strings.Join(names, " "))
	}
	_, err = os.Stdout.Write(data)
	return 0, err
}

// notInFiles are the sections of help whose flags have no key in a file: they
// say where the plan comes from and what becomes of it.
var notInFiles = map[string]bool{"run": true, "run-example": true, "run-plans": true, "run-watch": true}

// schema is what can stand in a jail file: for each group of flags in the help
// a section with a key for each flag, under the same names.
func schema(set *pflag.FlagSet) (jailfile.Schema, error) {
	all := jailfile.Schema{}
	for _, page := range runHelp {
		if notInFiles[page] {
			continue
		}
		data, err := helpTexts.ReadFile("help/" + page + ".txt")
		if err != nil {
			return nil, err
		}
		var keys []jailfile.Flag
		for _, line := range flagLines(string(data)) {
			if f := set.Lookup(line.name); f != nil {
				keys = append(keys, jailfile.Flag{Name: f.Name, Bool: f.Value.Type() == "bool", List: !single[f.Value.Type()]})
			}
		}
		all[sectionName(page)] = keys
	}
	return all, nil
}

// sectionName is that of the help file, but where it would say little.
func sectionName(page string) string {
	if page == "run-named" {
		return "jail"
	}
	return strings.TrimPrefix(page, "run-")
}

// single are the types of the flags that take one value at most.
var single = map[string]bool{
	"bool": true, "string": true, "duration": true, "float64": true,
	"int": true, "int64": true, "uint": true, "uint32": true, "uint64": true,
}

// load reads the files and presets that were named.
func (o *fileOptions) load(set *pflag.FlagSet) (*jailfile.Jail, error) {
	l := jailfile.Loader{Read: readJailFile, Env: variable, Vars: map[string]string{}}
	var err error
	if l.Presets, err = presets(); err != nil {
		return nil, err
	}
	if l.Schema, err = schema(set); err != nil {
		return nil, err
	}
	for _, v := range o.vars {
		name, value, found := strings.Cut(v, "=")
		if !found || name == "" {
			return nil, usage("--var "+v+" has no value", "write --var NAME=VALUE")
		}
		l.Vars[name] = value
	}
	return l.Load(o.sources)
}

func readJailFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil && st.IsDir() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("is a directory")}
	}
	return io.ReadAll(io.LimitReader(f, jailfile.MaxFile+1))
}

// variable looks up what a file may name in ${}: the variables of the
// environment, and who and where the caller is.
func variable(name string) (string, bool) {
	switch name {
	case "cwd":
		dir, err := os.Getwd()
		return dir, err == nil
	case "uid":
		return strconv.Itoa(os.Geteuid()), true
	case "gid":
		return strconv.Itoa(os.Getegid()), true
	}
	return os.LookupEnv(name)
}

// parseAfter parses the flags anew, after the first n settings of the files.
func (o *options) parseAfter(j *jailfile.Jail, n int, verb string, args []string) (command []string, given int, err error) {
	fresh := new(options)
	set := fresh.flags(verb)
	for _, s := range j.Settings[:n] {
		if err := set.Set(s.Flag, s.Value); err != nil {
			return nil, 0, accuse(s, err)
		}
	}
	if err := set.Parse(args); err != nil {
		return nil, 0, flagError(set, err)
	}
	*o = *fresh
	o.jail = j
	return j.Words(set.Args()), o.givenOf(set), nil
}

// blame finds for each problem of a plan the setting in a file that brought it
// in: the one after which it first shows.
func (o *options) blame(verb string, args []string, err error) error {
	if err == nil || o.jail == nil {
		return err
	}
	var all *multierror.Error
	for _, p := range problems(err) {
		all = multierror.Append(all, o.blameOne(verb, args, p))
	}
	return all
}

func (o *options) blameOne(verb string, args []string, problem error) error {
	for n := range len(o.jail.Settings) + 1 {
		for _, other := range problems(o.after(n, verb, args)) {
			if other.Error() != problem.Error() {
				continue
			}
			if n == 0 {
				return problem // the command line's own, or the command's
			}
			return accuse(o.jail.Settings[n-1], problem)
		}
	}
	return problem
}

// after tells what is wrong with the plan of the first n settings.
func (o *options) after(n int, verb string, args []string) error {
	part := new(options)
	command, given, err := part.parseAfter(o.jail, n, verb, args)
	if err == nil {
		_, err = part.checkedPlan(command, given)
	}
	return err
}

func accuse(s jailfile.Setting, err error) error {
	e := &setup.Error{Step: "file", Target: s.At.String(), Status: setup.StatusMisuse}
	var cause *setup.Error
	if errors.As(err, &cause) {
		bare := *cause
		e.Hint, bare.Hint = bare.Hint, ""
		err = &bare
	}
	e.Detail = s.Key + ": " + err.Error()
	return e
}
