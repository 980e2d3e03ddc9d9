package main

import (
	"math"
	"os"
	osuser "os/user"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/jailspawn/jailspawn/setup"
)

// identityOptions say who the payload is and what rights it keeps.
type identityOptions struct {
	uid     int64
	gid     int64
	idMap   string
	hostIDs bool // --no-userns
	share   []string
	capAdd  []string
	capDrop []string
}

func (o *identityOptions) identityFlags(f *pflag.FlagSet) {
	f.Int64Var(&o.uid, "uid", -1, "")
	f.Int64Var(&o.gid, "gid", -1, "")
	f.StringVar(&o.idMap, "map", "auto", "")
	f.BoolVar(&o.hostIDs, "no-userns", false, "")
	f.StringSliceVar(&o.share, "share", nil, "")
	f.StringSliceVar(&o.capAdd, "cap-add", nil, "")
	f.StringSliceVar(&o.capDrop, "cap-drop", nil, "")
}

// identity fills in the ids, namespaces and capabilities.
func (o *identityOptions) identity(p *setup.Plan) (user, error) {
	u, err := o.user()
	if err != nil {
		return u, err
	}
	p.Process.UID, p.Process.GID = u.uid, u.gid
	p.Share = o.shares()
	if p.IDs.Map = o.idMap; o.idMap == "auto" {
		p.IDs.Map = setup.MapAuto
	}
	p.Process.Capabilities, err = o.capabilities()
	return u, err
}

// A user is who the payload is inside.
type user struct {
	uid, gid uint32
	name     string
}

// user returns the payload's ids: those asked for; else root's for root, whose
// jail has ids of its own, and the caller's own for anybody else.
func (o *identityOptions) user() (user, error) {
	u := user{uid: uint32(os.Geteuid()), gid: uint32(os.Getegid())}
	for _, f := range []struct {
		name  string
		value int64
		ids   []*uint32
	}{{"--uid", o.uid, []*uint32{&u.uid}}, {"--gid", o.gid, []*uint32{&u.gid}}} {
		if f.value < -1 || f.value >= math.MaxUint32 {
			return u, usage(f.name+" is out of range", "ids go from 0 to 4294967294")
		}
		for _, id := range f.ids {
			if f.value >= 0 {
				*id = uint32(f.value)
			}
		}
	}
	if u.uid != 0 && os.Geteuid() == 0 && o.gid < 0 {
		u.gid = u.uid // root's own group is no group for another user
	}
	u.name = "user"
	if u.uid == 0 {
		u.name = "root"
	} else if int(u.uid) == os.Geteuid() {
		if known, err := osuser.LookupId(id(u.uid)); err == nil && !strings.ContainsAny(known.Username, ":/\n") {
			u.name = known.Username
		}
	}
	return u, nil
}

func (o *identityOptions) shares() []setup.Namespace {
	var list []setup.Namespace
	for _, s := range o.share {
		list = append(list, setup.Namespace(s))
	}
	if o.hostIDs && !slices.Contains(list, setup.UserNS) {
		list = append(list, setup.UserNS)
	}
	return list
}

// capabilities returns those added less those dropped, in the kernel's order.
func (o *identityOptions) capabilities() ([]string, error) {
	keep := map[string]bool{}
	for _, change := range []struct {
		flag  string
		names []string
		value bool
	}{{"--cap-add", o.capAdd, true}, {"--cap-drop", o.capDrop, false}} {
		for _, n := range change.names {
			name := setup.CapabilityName(n)
			if _, ok := setup.CapabilityMask([]string{name}); !ok && name != "all" {
				return nil, usage(change.flag+" "+n+": unknown capability", "did you mean "+setup.Nearest(name, setup.CapabilityNames())+"? see capabilities(7)")
			}
			for _, known := range setup.CapabilityNames() {
				if known == name || name == "all" {
					keep[known] = change.value
				}
			}
		}
	}
	var list []string
	for _, name := range setup.CapabilityNames() {
		if keep[name] {
			list = append(list, name)
		}
	}
	return list, nil
}
