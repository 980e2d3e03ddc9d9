package check

import (
	"strconv"

	"github.com/jailspawn/jailspawn/setup"
)

// named looks at the name and at what is done about the jail on the host.
func (c *checker) named(p *setup.Plan) {
	if p.Name != "" {
		if problem := setup.NameProblem(p.Name); problem != "" {
			c.add("name", strconv.Quote(shortened(p.Name))+" "+problem, "")
		}
	}
	for _, list := range []struct {
		field string
		hooks [][]string
	}{
		{"hooks.pre_start", p.Hooks.PreStart},
		{"hooks.post_start", p.Hooks.PostStart},
		{"hooks.post_stop", p.Hooks.PostStop},
	} {
		for i, words := range list.hooks {
			field := list.field + "[" + strconv.Itoa(i) + "]"
			if len(words) == 0 || words[0] == "" {
				c.add(field, "has no command", "")
			}
			for _, word := range words {
				c.noNUL(field, word)
			}
		}
	}
}

// shortened cuts a word that is too long for a line.
func shortened(s string) string {
	if len(s) > setup.MaxName {
		return s[:setup.MaxName] + "..."
	}
	return s
}
