package keep

import (
	"os"
	"path"
	"strings"

	"github.com/jailspawn/jailspawn/setup"
)

// wanted lists what a plan keeps on the host.
func wanted(p *setup.Plan) (list []*place) {
	for i := range p.Mounts {
		m := &p.Mounts[i]
		if m.Type != setup.Keep {
			continue
		}
		if name := onHost(p, i); name != "" {
			list = append(list, &place{path: name, content: m.Content, target: m.Target, fd: -1})
		}
	}
	return list
}

// onHost tells where on the host the target of the plan's i-th mount lies, if
// what the plan mounted before it lets the payload write there; else "".
func onHost(p *setup.Plan, i int) string {
	target := p.Mounts[i].Target
	place, best := "", "/"
	if r := &p.Root; r.Source != "" && r.Writable && !r.Overlay {
		place = path.Join(r.Source, target)
	}
	for j := range p.Mounts[:i] {
		m := &p.Mounts[j]
		rest, below := strings.CutPrefix(target, m.Target)
		if !below || len(m.Target) < len(best) || (rest != "" && rest[0] != '/') {
			continue
		}
		switch {
		case m.Type == setup.Bind && m.Optional && missing(m.Source),
			m.Type == setup.Keep && !m.ReadOnly,
			m.Type == setup.Dir, m.Type == setup.Symlink, m.Type == setup.File:
			continue // shows nothing else there
		case m.Type == setup.Bind && !m.ReadOnly && m.Source != "":
			place = path.Join(m.Source, rest)
		default:
			place = ""
		}
		best = m.Target
	}
	return place
}

func missing(name string) bool {
	_, err := os.Lstat(name)
	return os.IsNotExist(err)
}
