package main

import (
	"strings"

	"github.com/spf13/pflag"
)

// The lists among the flags. Those of pflag format each default as CSV when
// they are defined, which is a twentieth of a start for lists that are empty.

// repeated defines a flag that adds one value to a list each time it is given.
func repeated(f *pflag.FlagSet, p *[]string, name string) {
	f.Var((*valueList)(p), name, "")
}

// commaSeparated defines a flag that adds its values to a list.
func commaSeparated(f *pflag.FlagSet, p *[]string, name string) {
	f.Var((*commaList)(p), name, "")
}

type valueList []string

func (l *valueList) Set(value string) error {
	*l = append(*l, value)
	return nil
}

func (l *valueList) String() string { return strings.Join(*l, " ") }
func (l *valueList) Type() string   { return "list" }

type commaList []string

func (l *commaList) Set(values string) error {
	if values != "" {
		*l = append(*l, strings.Split(values, ",")...)
	}
	return nil
}

func (l *commaList) String() string { return strings.Join(*l, ",") }
func (l *commaList) Type() string   { return "list" }
