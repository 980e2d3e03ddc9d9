package main

import (
	"errors"
	"path"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"github.com/jailspawn/jailspawn/setup"
)

// mountFlags are the flags that put something into the jail's file system.
var mountFlags = map[string]func(string) (setup.Mount, error){
	"ro":      func(s string) (setup.Mount, error) { return bindFlag(s, true) },
	"rw":      func(s string) (setup.Mount, error) { return bindFlag(s, false) },
	"tmpfs":   func(s string) (setup.Mount, error) { return setup.Mount{Type: setup.Tmpfs, Target: s}, nil },
	"dir":     func(s string) (setup.Mount, error) { return setup.Mount{Type: setup.Dir, Target: s}, nil },
	"proc":    func(s string) (setup.Mount, error) { return setup.Mount{Type: setup.Proc, Target: s}, nil },
	"dev":     func(s string) (setup.Mount, error) { return setup.Mount{Type: setup.Dev, Target: s}, nil },
	"symlink": symlinkFlag,
	"mount":   parseMount,
}

// bindFlag reads PATH[:DEST]. The source may be relative to the working
// directory; without DEST it appears at the same place.
func bindFlag(s string, readOnly bool) (setup.Mount, error) {
	source, target, found := strings.Cut(s, ":")
	if source == "" || (found && target == "") {
		return setup.Mount{}, errors.New("want PATH or PATH:DEST")
	}
	if strings.Contains(target, ":") {
		return setup.Mount{}, errors.New("more than one colon; a path with a colon goes through --mount")
	}
	source, err := filepath.Abs(source)
	if err != nil {
		return setup.Mount{}, err
	}
	if !found {
		target = source
	}
	return setup.Mount{Type: setup.Bind, Source: source, Target: target, ReadOnly: readOnly}, nil
}

func symlinkFlag(s string) (setup.Mount, error) {
	text, target, found := strings.Cut(s, ":")
	if !found || text == "" || target == "" {
		return setup.Mount{}, errors.New("want TEXT:PATH")
	}
	return setup.Mount{Type: setup.Symlink, Source: text, Target: target}, nil
}

// mountKeys are the options of --mount. Those that take no value may stand
// alone.
var mountKeys = map[string]func(m *setup.Mount, value string) error{
	"type":   func(m *setup.Mount, v string) error { m.Type = setup.MountType(v); return nil },
	"source": func(m *setup.Mount, v string) error { m.Source = v; return nil },
	"target": func(m *setup.Mount, v string) error { m.Target = v; return nil },
	"ro":     switchKey(func(m *setup.Mount) { m.ReadOnly = true }),
	"rw":     switchKey(func(m *setup.Mount) { m.ReadOnly = false }),
	"noexec": switchKey(func(m *setup.Mount) { m.NoExec = true }),
	"dev":    switchKey(func(m *setup.Mount) { m.Dev = true }),
	"suid":   switchKey(func(m *setup.Mount) { m.Suid = true }),

	"optional": switchKey(func(m *setup.Mount) { m.Optional = true }),
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
	"size": func(m *setup.Mount, v string) (err error) {
		m.Size, err = parseSize(v)
		return err
	},
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
// unless it says rw.
func parseMount(s string) (setup.Mount, error) {
	m := setup.Mount{Type: setup.Bind}
	seen := map[string]bool{}
	for _, word := range strings.Split(s, ",") {
		key, value, _ := strings.Cut(word, "=")
		set, ok := mountKeys[key]
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
	if seen["ro"] && seen["rw"] {
		return m, errors.New("both ro and rw")
	}
	if m.Target == "" {
		return m, errors.New("target is missing")
	}
	if m.Type == setup.Bind {
		m.ReadOnly = !seen["rw"]
	}
	return m, nil
}

func sortedKeys() []string {
	var keys []string
	for k := range mountKeys {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// parseSize reads a number of bytes, with K, M, G or T for powers of 1,024.
func parseSize(s string) (uint64, error) {
	number, shift := s, 0
	if i := strings.IndexByte("KMGT", lastByte(s)); i >= 0 {
		number, shift = s[:len(s)-1], 10*(i+1)
	}
	n, err := strconv.ParseUint(number, 10, 63)
	if err != nil || n == 0 || n<<shift>>shift != n || n<<shift > 1<<62 {
		return 0, errors.New(strconv.Quote(s) + " is not a size such as 64M")
	}
	return n << shift, nil
}

func lastByte(s string) byte {
	if s == "" {
		return 0
	}
	return s[len(s)-1]
}

// beneath reports whether name is dir or lies below it.
func beneath(name, dir string) bool {
	return name == dir || strings.HasPrefix(name, strings.TrimSuffix(path.Clean(dir), "/")+"/")
}

// mountValue appends to the list that all mount flags share, in the order in
// which they were given.
type mountValue struct {
	mounts *[]setup.Mount
	parse  func(string) (setup.Mount, error)
}

func (v *mountValue) String() string { return "" }
func (v *mountValue) Type() string   { return "mount" }

func (v *mountValue) Set(s string) error {
	m, err := v.parse(s)
	if err == nil {
		*v.mounts = append(*v.mounts, m)
	}
	return err
}
