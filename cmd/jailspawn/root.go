package main

import (
	"path/filepath"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// rootOptions say what "/" is.
type rootOptions struct {
	root        string
	rootSize    string
	overlay     bool
	upper, work string
	propagation string
}

func (o *rootOptions) rootFlags(f *pflag.FlagSet) {
	f.StringVar(&o.root, "root", "", "")
	f.StringVar(&o.rootSize, "root-size", "", "")
	f.BoolVar(&o.overlay, "overlay", false, "")
	f.StringVar(&o.upper, "overlay-upper", "", "")
	f.StringVar(&o.work, "overlay-work", "", "")
	f.StringVar(&o.propagation, "propagation", "", "")
}

// rootAndDefaults fills in the root, and returns the mounts that a jail with
// such a root has by default: parts of the host, if no root is given; an empty
// one with a size is left to the user to fill.
func (o *options) rootAndDefaults(p *setup.Plan, u user) ([]setup.Mount, error) {
	r := &p.Root
	r.Overlay = o.overlay
	for _, dir := range []struct {
		path string
		to   *string
	}{{o.root, &r.Source}, {o.upper, &r.Upper}, {o.work, &r.Work}} {
		if dir.path == "" {
			continue
		}
		var err error
		if *dir.to, err = physical(dir.path); err != nil {
			return nil, setup.Fail("root", dir.path, err)
		}
	}
	if o.rootSize != "" {
		size, err := parseSize(o.rootSize)
		if err != nil {
			return nil, usage("--root-size: "+err.Error(), "")
		}
		r.Size = size
	}
	shareNet := p.Shares(setup.NetNS)
	switch {
	case o.root != "":
		return append(ownEtc(o.hostname, shareNet, true), private(u)[:3]...), nil
	case o.rootSize != "":
		r.Writable = true
		return private(u), nil
	}
	return hostView(u, o.hostname, shareNet), nil
}

// propagate gives --propagation to all binds that don't say their own.
func (o *options) propagate(p *setup.Plan) error {
	if o.propagation == "" {
		return nil
	}
	all := setup.Propagation(o.propagation)
	p.Root.Propagation = all
	for i := range p.Mounts {
		if m := &p.Mounts[i]; m.Type == setup.Bind && m.Propagation == "" {
			m.Propagation = all
		}
	}
	return nil
}

// physical makes a path absolute. A relative one starts from the directory that
// the caller stands in, and not from the links by which he got there.
func physical(name string) (string, error) {
	if filepath.IsAbs(name) {
		return filepath.Clean(name), nil
	}
	var buf [4096]byte
	n, err := unix.Getcwd(buf[:])
	if err != nil {
		return "", err
	}
	return filepath.Join(string(buf[:n-1]), name), nil
}
