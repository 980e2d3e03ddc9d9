package jailfile

import (
	"errors"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/go-multierror"

	"github.com/jailspawn/jailspawn/setup"
)

// A Loader reads jail files and what they extend and include.
type Loader struct {
	Schema  Schema
	Read    func(path string) ([]byte, error)
	Presets map[string][]byte

	// Env looks a variable up where no file and no Vars has it.
	Env func(name string) (string, bool)

	// Vars are variables that win over those of the files.
	Vars map[string]string

	name string // of the last source, without directory and endings
}

// A Source names one file or preset.
type Source struct {
	Name   string
	Preset bool
}

// maxDepth bounds how deep files may include each other, and variables refer
// to each other.
const maxDepth = 16

// Load reads the sources, in their order, as if the first file of all
// included them.
func (l *Loader) Load(sources []Source) (*Jail, error) {
	var parts []*part
	for _, s := range sources {
		l.name, _, _ = strings.Cut(filepath.Base(s.Name), ".")
		more, err := l.collect(s, Position{File: s.Name}, nil)
		if err != nil {
			return nil, err
		}
		parts = append(parts, more...)
	}
	return l.join(parts)
}

// collect reads a source, after all that it builds on. Chain are the files that
// led here.
func (l *Loader) collect(s Source, from Position, chain []string) ([]*part, error) {
	id := s.Name
	if s.Preset {
		id = "preset " + s.Name
	}
	if slices.Contains(chain, id) {
		return nil, problem(from, "", id+" includes itself", "take out one of "+strings.Join(chain, ", "))
	}
	if len(chain) >= maxDepth {
		return nil, problem(from, "", "files include each other more than "+strconv.Itoa(maxDepth)+" deep", "")
	}
	data, err := l.read(s, from)
	if err != nil {
		return nil, err
	}
	p, err := parse(id, data, l.Schema)
	if err != nil {
		return nil, err
	}
	if !s.Preset {
		if p.dir, err = filepath.Abs(filepath.Dir(s.Name)); err != nil {
			return nil, setup.Fail("file", s.Name, err)
		}
	}
	var parts []*part
	chain = append(slices.Clone(chain), id)
	for _, base := range []struct {
		key   string
		names []string
	}{{"extends", p.extends}, {"include", p.include}} {
		for _, name := range base.names {
			at := p.places[base.key]
			next, err := l.base(p, base.key, name, at)
			if err != nil {
				return nil, err
			}
			more, err := l.collect(next, at, chain)
			if err != nil {
				return nil, err
			}
			parts = append(parts, more...)
		}
	}
	return append(parts, p), nil
}

// base is what a name in extends or include means: a preset, or with a slash
// or a dot a file, beside the one that names it.
func (l *Loader) base(p *part, key, name string, at Position) (Source, error) {
	name, err := expand(name, func(v string) (string, error) { return l.builtin(p, v) })
	if err != nil {
		return Source{}, problem(at, key, err.Error(), "")
	}
	if key == "extends" && !strings.ContainsAny(name, "/.") {
		return Source{Name: name, Preset: true}, nil
	}
	if p.dir == "" && !filepath.IsAbs(name) {
		return Source{}, problem(at, key, "a preset can't include a file", "")
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(filepath.Dir(p.name), name)
	}
	return Source{Name: name}, nil
}

func (l *Loader) read(s Source, from Position) ([]byte, error) {
	if s.Preset {
		data, ok := l.Presets[s.Name]
		if !ok {
			return nil, problem(from, "", "no preset "+strconv.Quote(s.Name), presetHint(s.Name, l.Presets))
		}
		return data, nil
	}
	data, err := l.Read(s.Name)
	if err != nil {
		failed := setup.Fail("file", s.Name, err).(*setup.Error)
		failed.Status = setup.StatusMisuse
		if from.File != s.Name {
			failed.Detail = "named by " + from.String()
		}
		return nil, failed
	}
	return data, nil
}

// join puts the parts together and replaces the variables.
func (l *Loader) join(parts []*part) (*Jail, error) {
	j, vars := new(Jail), map[string]Setting{}
	for _, p := range parts {
		for _, v := range p.vars {
			vars[v.Flag] = v
		}
	}
	var found *multierror.Error
	for _, p := range parts {
		depth := 0
		var lookup func(string) (string, error)
		lookup = func(name string) (string, error) {
			if value, ok := l.Vars[name]; ok {
				return value, nil
			}
			v, ok := vars[name]
			if !ok {
				return l.builtin(p, name)
			}
			if depth++; depth > maxDepth {
				return "", errors.New("variable " + name + " refers to itself")
			}
			defer func() { depth-- }()
			return expand(v.Value, lookup)
		}
		replace := func(s, key string, at Position) string {
			out, err := expand(s, lookup)
			if err != nil {
				found = multierror.Append(found, problem(at, key, err.Error(), "set it under [vars], in the environment, or with --var"))
			}
			return out
		}
		for _, s := range p.settings {
			s.Value = replace(s.Value, s.Key, s.At)
			j.Settings = append(j.Settings, s)
		}
		if p.command != nil {
			j.Command = nil
			for _, w := range p.command {
				if w != Args {
					w = replace(w, "command", p.places["command"])
				}
				j.Command = append(j.Command, w)
			}
		}
		j.Depends = append(j.Depends, p.depends...)
	}
	return j, found.ErrorOrNil()
}
