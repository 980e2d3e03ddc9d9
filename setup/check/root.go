package check

import (
	"math"
	"strings"

	"github.com/jailspawn/jailspawn/setup"
)

// root looks at the root and at the overlay over it.
func (c *checker) root(p *setup.Plan) {
	r := &p.Root
	for _, f := range []struct{ field, path string }{{"root.source", r.Source}, {"root.upper", r.Upper}, {"root.work", r.Work}} {
		if f.path != "" {
			c.absPath(f.field, f.path)
		}
	}
	c.idMapping(p, "root.idmap", r.IDMap)
	c.propagation("root.propagation", r.Propagation)
	c.size("root.size", r.Size)
	for _, rule := range []struct {
		broken              bool
		field, detail, hint string
	}{
		{r.Overlay && r.Source == "", "root.overlay", "there is no root to lay it over", "name one with --root"},
		{(r.Upper != "" || r.Work != "") && !r.Overlay, "root.upper", "there is no overlay whose writes it takes", "add --overlay"},
		{(r.Upper == "") != (r.Work == ""), "root.work", "the upper and the work directory go together", "give both --overlay-upper and --overlay-work"},
		{r.Upper != "" && nested(r.Upper, r.Work), "root.work", "the upper and the work directory lie in one another", "choose two directories beside each other"},
		{r.Upper != "" && r.Size != 0, "root.size", "the upper directory has the size of its file system", "leave out one of the two"},
		{r.Size != 0 && r.Source != "" && !r.Overlay, "root.size", "this root has the size of its source", "add --overlay, or leave out --root"},
	} {
		if rule.broken {
			c.add(rule.field, rule.detail, rule.hint)
		}
	}
}

func nested(a, b string) bool {
	return a == b || strings.HasPrefix(a, b+"/") || strings.HasPrefix(b, a+"/")
}

func (c *checker) size(field string, n uint64) {
	if n > math.MaxInt64 {
		c.add(field, "is larger than any file system", "")
	}
}

func (c *checker) propagation(field string, p setup.Propagation) {
	if p == "" {
		return
	}
	for _, known := range setup.Propagations {
		if p == known {
			return
		}
	}
	c.add(field, "unknown kind "+string(p), nearestHint(string(p), words(setup.Propagations)))
}

func words[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, w := range list {
		out[i] = string(w)
	}
	return out
}
