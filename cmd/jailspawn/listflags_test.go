package main

import (
	"slices"
	"testing"

	"github.com/spf13/pflag"
)

// Lists add up; an empty value is no word of a list that is written with commas.
func TestListFlags(t *testing.T) {
	for _, c := range []struct {
		args          []string
		commas, words []string
	}{
		{nil, nil, nil},
		{[]string{"--commas", "a,b", "--commas=c"}, []string{"a", "b", "c"}, nil},
		{[]string{"--commas", "", "--commas", "a"}, []string{"a"}, nil},
		{[]string{"--words", "a,b", "--words", ""}, nil, []string{"a,b", ""}},
	} {
		var commas, words []string
		f := pflag.NewFlagSet("", pflag.ContinueOnError)
		commaSeparated(f, &commas, "commas")
		repeated(f, &words, "words")
		if err := f.Parse(c.args); err != nil || !slices.Equal(commas, c.commas) || !slices.Equal(words, c.words) {
			t.Errorf("%q: %q and %q, %v; want %q and %q", c.args, commas, words, err, c.commas, c.words)
		}
	}
}
