package main

import (
	"errors"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"github.com/jailspawn/jailspawn/setup"
)

// mountKeys are the options of --mount. Those that take no value may stand
// alone.
func mountKeys() map[string]func(m *setup.Mount, value string) error {
	return map[string]func(m *setup.Mount, value string) error{
		"type":   func(m *setup.Mount, v string) error { m.Type = setup.MountType(v); return nil },
		"source": func(m *setup.Mount, v string) error { m.Source = v; return nil },
		"target": func(m *setup.Mount, v string) error { m.Target = v; return nil },
		"fd": func(m *setup.Mount, v string) error {
			n, err := parseFD(v)
			m.SourceFD = &n
			return err
		},
		"ro":          switchKey(func(m *setup.Mount) { m.ReadOnly = true }),
		"rw":          switchKey(func(m *setup.Mount) { m.ReadOnly = false }),
		"exec":        switchKey(func(m *setup.Mount) { m.NoExec = false }),
		"noexec":      switchKey(func(m *setup.Mount) { m.NoExec = true }),
		"dev":         switchKey(func(m *setup.Mount) { m.Dev = true }),
		"nodev":       switchKey(func(m *setup.Mount) { m.Dev = false }),
		"suid":        switchKey(func(m *setup.Mount) { m.Suid = true }),
		"nosuid":      switchKey(func(m *setup.Mount) { m.Suid = false }),
		"noatime":     switchKey(func(m *setup.Mount) { m.NoATime = true }),
		"recursive":   switchKey(func(m *setup.Mount) { m.NonRecursive = false }),
		"norecursive": switchKey(func(m *setup.Mount) { m.NonRecursive = true }),
		"follow":      switchKey(func(m *setup.Mount) { m.Follow = true }),
		"optional":    switchKey(func(m *setup.Mount) { m.Optional = true }),
		"propagation": func(m *setup.Mount, v string) error { m.Propagation = setup.Propagation(v); return nil },
		"idmap": func(m *setup.Mount, v string) error {
			if m.IDMap = v; v == "" {
				m.IDMap = setup.IDMapJail
			}
			return nil
		},
		"mode": func(m *setup.Mount, v string) error {
			n, err := strconv.ParseUint(v, 8, 32)
			if err != nil || n == 0 || n > 0o7777 {
				return errors.New("mode " + strconv.Quote(v) + " is not an octal number up to 07777")
			}
			m.Mode = uint32(n)
			return nil
		},
		"uid": func(m *setup.Mount, v string) error { return ownerKey(&m.UID, v) },
		"gid": func(m *setup.Mount, v string) error { return ownerKey(&m.GID, v) },
		"size": func(m *setup.Mount, v string) (err error) {
			m.Size, err = parseSize(v)
			return err
		},
		"content": func(m *setup.Mount, v string) error { m.Content = v; return nil },
		"subset":  func(m *setup.Mount, v string) error { m.Subset = v; return nil },
		"hidepid": func(m *setup.Mount, v string) error {
			if word, ok := hidePIDs[v]; ok {
				v = word
			}
			m.HidePID = v
			return nil
		},
	}
}

// opposites are options of which one --mount takes one.
var opposites = [][2]string{
	{"ro", "rw"}, {"exec", "noexec"}, {"dev", "nodev"}, {"suid", "nosuid"}, {"recursive", "norecursive"}, {"source", "fd"},
}

func ownerKey(id *uint32, v string) error {
	n, ok := parseID(v)
	if *id = n; !ok {
		return errors.New(strconv.Quote(v) + " is not an id")
	}
	return nil
}

func switchKey(set func(*setup.Mount)) func(*setup.Mount, string) error {
	return func(m *setup.Mount, value string) error {
		if value != "" {
			return errors.New("takes no value")
		}
		set(m)
		return nil
	}
}

// parseMount reads type=...,source=...,target=...,OPTION. A bind is read-only
// unless it says rw, and so is what is kept.
func parseMount(s string) (setup.Mount, error) {
	m := setup.Mount{Type: setup.Bind}
	seen := map[string]bool{}
	for _, word := range strings.Split(s, ",") {
		key, value, _ := strings.Cut(word, "=")
		set, ok := mountKeys()[key]
		if !ok {
			return m, errors.New("unknown option " + strconv.Quote(key) + ", known are " + strings.Join(sortedKeys(), " "))
		}
		if seen[key] {
			return m, errors.New(key + " is given twice")
		}
		seen[key] = true
		if err := set(&m, value); err != nil {
			return m, errors.New(key + ": " + err.Error())
		}
	}
	for _, pair := range opposites {
		if seen[pair[0]] && seen[pair[1]] {
			return m, errors.New("both " + pair[0] + " and " + pair[1])
		}
	}
	if m.Target == "" {
		return m, errors.New("target is missing")
	}
	if m.Type == setup.Bind || m.Type == setup.Keep {
		m.ReadOnly = !seen["rw"]
	}
	if m.Follow && m.Source != "" {
		// Here, where the caller sees what he names; a source that is missing
		// is found to be so later.
		if real, err := filepath.EvalSymlinks(m.Source); err == nil {
			m.Source, m.Follow = real, false
		}
	}
	return m, nil
}

func sortedKeys() []string {
	var keys []string
	for k := range mountKeys() {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
