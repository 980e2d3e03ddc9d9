package jailfile

import (
	"errors"
	"strings"
)

// expand replaces ${NAME} and ${NAME:-DEFAULT} in s; $${ is a plain ${. Any
// other dollar stands for itself.
func expand(s string, lookup func(string) (string, error)) (string, error) {
	var out strings.Builder
	for {
		before, after, found := strings.Cut(s, "${")
		if !found {
			out.WriteString(s)
			return out.String(), nil
		}
		if plain, escaped := strings.CutSuffix(before, "$"); escaped {
			out.WriteString(plain + "${")
			s = after
			continue
		}
		out.WriteString(before)
		inner, rest, closed := strings.Cut(after, "}")
		if !closed {
			return "", errors.New("${ without }")
		}
		name, fallback, hasFallback := strings.Cut(inner, ":-")
		if name == "" || strings.ContainsAny(name, " \t\"'$/") {
			return "", errors.New("${" + inner + "} names no variable")
		}
		value, err := lookup(name)
		switch {
		case err == nil:
			out.WriteString(value)
		case hasFallback:
			out.WriteString(fallback)
		default:
			return "", err
		}
		s = rest
	}
}

// builtin looks up what no file defines, for a word that stands in p: the
// directory of the file, the name of the jail, or a variable of the caller's.
func (l *Loader) builtin(p *part, name string) (string, error) {
	switch {
	case name == "dir" && p.dir != "":
		return p.dir, nil
	case name == "name":
		return l.name, nil
	}
	if value, ok := l.Env(name); ok {
		return value, nil
	}
	return "", errors.New("variable " + name + " is not set")
}
