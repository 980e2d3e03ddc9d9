package main

import (
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/jailfile"
	"github.com/jailspawn/jailspawn/setup/spawn/named"
)

// A family is the jails whose files lie in one directory. Each goes by the name
// of its file.
type family map[string]*jailfile.Jail

// upVerb starts the jails of a directory, those that others depend on first.
func upVerb() verb { return familyVerb("up", nil, startFamily) }

// downVerb stops them, those first that depend on others.
func downVerb() verb {
	var grace time.Duration
	flags := func(f *pflag.FlagSet) { f.DurationVar(&grace, "grace", 10*time.Second, "") }
	return familyVerb("down", flags, func(dir *named.Dir, _ string, jails family, names []string) (int, error) {
		return stopFamily(dir, jails, names, grace)
	})
}

// familyVerb makes a verb with the flag --dir that works on the jails of a
// directory, or on those that are named.
func familyVerb(name string, flags func(*pflag.FlagSet), run func(dir *named.Dir, place string, jails family, names []string) (int, error)) verb {
	return onJails(name, func(dir *named.Dir, args []string) (int, error) {
		v := newNamedVerb(name, 0, 1000, "names of jails")
		place := v.String("dir", ".", "")
		if flags != nil {
			flags(v.FlagSet)
		}
		if err := v.parse(args); err != nil {
			return 0, err
		}
		jails, err := readFamily(*place)
		if err != nil {
			return 0, err
		}
		names := v.Args()
		if len(names) == 0 {
			names = jails.names()
		}
		return run(dir, *place, jails, names)
	})
}

// readFamily reads all jail files of a directory.
func readFamily(place string) (family, error) {
	files, err := filepath.Glob(filepath.Join(globSafe(place), "*"+jailSuffix))
	if err != nil || len(files) == 0 {
		return nil, usage("no *"+jailSuffix+" in "+place, "change to the directory of the jails, or name it with --dir")
	}
	jails := family{}
	for _, file := range files {
		o := new(options)
		if _, _, err := o.parse("run", []string{"-f", file}); err != nil {
			return nil, err
		}
		jails[strings.TrimSuffix(filepath.Base(file), jailSuffix)] = o.jail
	}
	return jails, nil
}

// globSafe takes from a path what means something to Glob.
func globSafe(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

func (f family) names() []string {
	var names []string
	for name := range f {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// order lists the named jails and all that they depend on, each behind those
// that it depends on.
func (f family) order(names []string) (list []string, err error) {
	var visit func(name string, chain []string) error
	visit = func(name string, chain []string) error {
		j, ok := f[name]
		switch {
		case slices.Contains(chain, name):
			return usage(name+" depends on itself, by way of "+strings.Join(chain, ", "), "take out one of the depends")
		case !ok && len(chain) > 0:
			return usage(chain[len(chain)-1]+" depends on "+name+", which has no file", f.hint(name))
		case !ok:
			return usage("no file "+name+jailSuffix, f.hint(name))
		case slices.Contains(list, name):
			return nil
		}
		for _, d := range j.Depends {
			if err := visit(d, append(slices.Clone(chain), name)); err != nil {
				return err
			}
		}
		list = append(list, name)
		return nil
	}
	for _, name := range names {
		if err := visit(name, nil); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (f family) hint(name string) string {
	if near := setup.Nearest(name, f.names()); near != "" {
		return "did you mean " + near + "?"
	}
	return "the jails are " + strings.Join(f.names(), " ")
}

// startFamily starts what doesn't run yet, and stops at the first that doesn't
// start; what runs then goes on running.
func startFamily(dir *named.Dir, place string, jails family, names []string) (int, error) {
	list, err := jails.order(names)
	if err != nil {
		return 0, err
	}
	for _, name := range list {
		if j, err := dir.Find(name); err == nil {
			j.Close()
			continue
		}
		file := filepath.Join(place, name+jailSuffix)
		if status, err := detach([]string{"-f", file, "--name", name, "--detach"}); status != 0 || err != nil {
			return status, err
		}
	}
	return 0, nil
}

// stopFamily stops the named jails, and those that depend on them.
func stopFamily(dir *named.Dir, jails family, names []string, grace time.Duration) (int, error) {
	all, err := jails.order(jails.names())
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		if jails[name] == nil {
			return 0, usage("no file "+name+jailSuffix, jails.hint(name))
		}
	}
	slices.Reverse(all)
	for _, name := range all {
		below, err := jails.order([]string{name})
		if err != nil {
			return 0, err
		}
		if !slices.ContainsFunc(below, func(n string) bool { return slices.Contains(names, n) }) {
			continue
		}
		j, err := dir.Find(name)
		if err != nil {
			continue // it doesn't run
		}
		err = j.Stop(grace)
		j.Close()
		if err != nil && !os.IsNotExist(err) {
			return 0, err
		}
	}
	return 0, nil
}
