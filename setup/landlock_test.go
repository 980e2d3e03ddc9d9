package setup

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLandlockDowngrade(t *testing.T) {
	all := Landlock{Files: true, Scope: true, TCPBind: &Ports{}, TCPConnect: &Ports{}}
	const (
		writes   = "the writing of files (Linux 5.19)"
		truncate = "the truncation of files (Linux 6.2)"
		bind     = "binding to TCP ports (Linux 6.7)"
		connect  = "connecting to TCP ports (Linux 6.7)"
		scope    = "abstract sockets and signals (Linux 6.12)"
	)
	for _, c := range []struct {
		ask     Landlock
		abi     int
		rules   LandlockRules
		missing []string
	}{
		{Landlock{}, 0, LandlockRules{}, nil},
		{Landlock{}, 7, LandlockRules{}, nil},
		{all, 0, LandlockRules{}, []string{writes, truncate, bind, connect, scope}},
		{all, 1, LandlockRules{}, []string{writes, truncate, bind, connect, scope}},
		{all, 2, LandlockRules{FS: 0x3ff2}, []string{truncate, bind, connect, scope}},
		{all, 3, LandlockRules{FS: 0x7ff2}, []string{bind, connect, scope}},
		{all, 4, LandlockRules{FS: 0x7ff2, Net: 3}, []string{scope}},
		{all, 5, LandlockRules{FS: 0x7ff2, Net: 3}, []string{scope}},
		{all, 6, LandlockRules{FS: 0x7ff2, Net: 3, Scope: 3}, nil},
		{all, 99, LandlockRules{FS: 0x7ff2, Net: 3, Scope: 3}, nil},
		{Landlock{TCPBind: &Ports{}}, 4, LandlockRules{Net: 1}, nil},
		{Landlock{TCPConnect: &Ports{}}, 3, LandlockRules{}, []string{connect}},
		{Landlock{Files: true}, 3, LandlockRules{FS: 0x7ff2}, nil},
	} {
		rules, missing := c.ask.Downgrade(c.abi)
		if d := cmp.Diff(c.rules, rules); d != "" {
			t.Errorf("%+v on ABI %d: %s", c.ask, c.abi, d)
		}
		if d := cmp.Diff(c.missing, missing); d != "" {
			t.Errorf("%+v on ABI %d: %s", c.ask, c.abi, d)
		}
	}
}

func TestWritable(t *testing.T) {
	p := &Plan{Mounts: []Mount{
		{Type: Bind, Source: "/usr", Target: "/usr", ReadOnly: true},
		{Type: Bind, Source: "/srv", Target: "/srv"},
		{Type: Tmpfs, Target: "/tmp"},
		{Type: Proc, Target: "/proc"},
		{Type: Dev, Target: "/dev"},
		{Type: File, Target: "/etc/hosts"},
		{Type: Symlink, Source: "/tmp", Target: "/var/tmp"},
		{Type: Dir, Target: "/var"},
	}}
	if d := cmp.Diff([]string{"/srv", "/tmp", "/proc", "/dev"}, p.Writable()); d != "" {
		t.Error(d)
	}
}
