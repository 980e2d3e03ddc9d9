package main

import (
	"errors"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/jailspawn/jailspawn/setup"
)

// A mountFlag is a flag that puts something into the jail's file system.
type mountFlag struct {
	parse func(string) (setup.Mount, error)
	alone string // where it goes, of a flag that takes no value
}

func mountFlags() map[string]mountFlag {
	return map[string]mountFlag{
		"ro":        {parse: bindFlag(setup.Mount{ReadOnly: true})},
		"rw":        {parse: bindFlag(setup.Mount{})},
		"try-ro":    {parse: bindFlag(setup.Mount{ReadOnly: true, Optional: true})},
		"try-rw":    {parse: bindFlag(setup.Mount{Optional: true})},
		"dev-bind":  {parse: bindFlag(setup.Mount{Dev: true})},
		"ro-fd":     {parse: bindFDFlag(setup.Mount{ReadOnly: true})},
		"rw-fd":     {parse: bindFDFlag(setup.Mount{})},
		"device":    {parse: bindFlag(setup.Mount{Type: setup.Device})},
		"tmpfs":     {parse: targetFlag(setup.Tmpfs)},
		"dir":       {parse: targetFlag(setup.Dir)},
		"proc":      {parse: procFlag},
		"dev":       {parse: targetFlag(setup.Dev)},
		"sys":       {parse: targetFlag(setup.Sys), alone: "/sys"},
		"mqueue":    {parse: targetFlag(setup.Mqueue), alone: "/dev/mqueue"},
		"mask":      {parse: targetFlag(setup.Mask)},
		"ro-path":   {parse: targetFlag(setup.Protect)},
		"keep":      {parse: keepFlag(true)},
		"keep-dir":  {parse: keepFlag(false)},
		"keep-file": {parse: keepFileFlag},
		"file":      {parse: fileFlag},
		"file-fd":   {parse: fileFDFlag},
		"symlink":   {parse: symlinkFlag},
		"mount":     {parse: parseMount},
	}
}

// nothing leaves out what would stand at its target by default.
const nothing setup.MountType = "none"

func targetFlag(t setup.MountType) func(string) (setup.Mount, error) {
	return func(s string) (setup.Mount, error) { return setup.Mount{Type: t, Target: s}, nil }
}

func keepFlag(readOnly bool) func(string) (setup.Mount, error) {
	return func(s string) (setup.Mount, error) {
		return setup.Mount{Type: setup.Keep, Target: s, ReadOnly: readOnly}, nil
	}
}

// keepFileFlag reads DEST=CONTENT.
func keepFileFlag(s string) (setup.Mount, error) {
	m, err := fileFlag(s)
	m.Type, m.ReadOnly = setup.Keep, true
	if err == nil && m.Content == "" {
		err = errors.New("the content is empty")
	}
	return m, err
}

// bindFlag reads PATH[:DEST] into a copy of m. The source may be relative to
// the working directory; without DEST it appears at the same place.
func bindFlag(m setup.Mount) func(string) (setup.Mount, error) {
	if m.Type == "" {
		m.Type = setup.Bind
	}
	return func(s string) (setup.Mount, error) {
		source, target, found := strings.Cut(s, ":")
		if source == "" || (found && target == "") {
			return m, errors.New("want PATH or PATH:DEST")
		}
		if strings.Contains(target, ":") {
			return m, errors.New("more than one colon; a path with a colon goes through --mount")
		}
		m := m
		var err error
		if m.Source, err = physical(source); err != nil {
			return m, err
		}
		if m.Target = target; !found {
			m.Target, err = filepath.Abs(source)
		}
		return m, err
	}
}

// procFlag reads DEST, host or none.
func procFlag(s string) (setup.Mount, error) {
	switch s {
	case "host":
		return setup.Mount{Type: setup.Bind, Source: "/proc", Target: "/proc", ReadOnly: true, NoExec: true}, nil
	case "none":
		return setup.Mount{Type: nothing, Target: "/proc"}, nil
	}
	return setup.Mount{Type: setup.Proc, Target: s}, nil
}

func symlinkFlag(s string) (setup.Mount, error) {
	text, target, found := strings.Cut(s, ":")
	if !found || text == "" || target == "" {
		return setup.Mount{}, errors.New("want TEXT:PATH")
	}
	return setup.Mount{Type: setup.Symlink, Source: text, Target: target}, nil
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
	flag   mountFlag
}

func (v *mountValue) String() string { return "" }

func (v *mountValue) Type() string {
	if v.flag.alone != "" {
		return "bool"
	}
	return "mount"
}

func (v *mountValue) Set(s string) error {
	if v.flag.alone != "" {
		on, err := strconv.ParseBool(s)
		if err != nil || !on {
			return err
		}
		s = v.flag.alone
	}
	m, err := v.flag.parse(s)
	if err == nil {
		*v.mounts = append(*v.mounts, m)
	}
	return err
}
