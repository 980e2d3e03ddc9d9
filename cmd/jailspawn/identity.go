package main

import (
	"math"
	"os"
	osuser "os/user"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/spawn"
)

// identityOptions say who the payload is.
type identityOptions struct {
	user    string
	uid     int64
	gid     int64
	groups  []string
	idMap   []string
	mapAuto bool
	hostIDs bool // --no-userns
	share   []string
	umask   string
}

func (o *identityOptions) identityFlags(f *pflag.FlagSet) {
	f.StringVar(&o.user, "user", "", "")
	f.Int64Var(&o.uid, "uid", -1, "")
	f.Int64Var(&o.gid, "gid", -1, "")
	commaSeparated(f, &o.groups, "groups")
	repeated(f, &o.idMap, "map")
	f.BoolVar(&o.mapAuto, "map-auto", false, "")
	f.BoolVar(&o.hostIDs, "no-userns", false, "")
	commaSeparated(f, &o.share, "share")
	f.StringVar(&o.umask, "umask", "", "")
}

// identity fills in the ids and the namespaces.
func (o *options) identity(p *setup.Plan) (user, error) {
	if err := o.lines(&p.IDs); err != nil {
		return user{}, err
	}
	u, err := o.who(&p.IDs)
	if err != nil {
		return u, err
	}
	p.Process.UID, p.Process.GID, p.Process.Groups = u.uid, u.gid, u.groups
	p.Share = o.shares()
	if o.umask != "" {
		mask, err := strconv.ParseUint(o.umask, 8, 32)
		if err != nil || mask > 0o777 {
			return u, usage("--umask "+o.umask+": not an octal number up to 0777", "--umask 027")
		}
		m := uint32(mask)
		p.Process.Umask = &m
	}
	return u, o.subordinate(p, u)
}

// A user is who the payload is inside.
type user struct {
	uid, gid uint32
	groups   []uint32
	name     string
	group    string // name of the group gid
	others   []group
	dir      string // home directory, where the root says so
	shell    string
}

// who returns the payload's identity: what was asked for; else root's for root,
// whose jail has ids of its own, and the caller's own for anybody else.
func (o *options) who(ids *setup.IDs) (user, error) {
	u, err := o.numbers(ids)
	if err != nil {
		return u, err
	}
	if o.user != "" {
		if o.uid >= 0 || o.gid >= 0 {
			return u, usage("--user goes without --uid and --gid", "write --user UID:GID")
		}
		if err := o.known(&u); err != nil {
			return u, err
		}
	}
	for _, spec := range o.groups {
		g, err := o.findGroup(spec)
		if err != nil {
			return u, err
		}
		if !slices.Contains(u.groups, g.gid) {
			u.groups, u.others = append(u.groups, g.gid), append(u.others, g)
		}
	}
	return u, nil
}

// numbers is the identity as far as numbers say it.
func (o *options) numbers(ids *setup.IDs) (user, error) {
	u := user{uid: uint32(os.Geteuid()), gid: uint32(os.Getegid()), shell: "/bin/sh"}
	switch {
	case len(ids.UIDs) > 0:
		u.uid, u.gid = inside(ids.UIDs, u.uid), inside(ids.GIDs, u.gid)
	case o.mapAuto && o.root != "":
		u.uid, u.gid = 0, 0 // as whom a root of his own knows the caller
	}
	if o.uid >= 0 && o.gid < 0 {
		o.gid = o.uid // the caller's own group is no group for another user
	}
	for _, f := range []struct {
		name  string
		value int64
		id    *uint32
	}{{"--uid", o.uid, &u.uid}, {"--gid", o.gid, &u.gid}} {
		if f.value < -1 || f.value >= math.MaxUint32 {
			return u, usage(f.name+" is out of range", "ids go from 0 to 4294967294")
		}
		if f.value >= 0 {
			*f.id = uint32(f.value)
		}
	}
	u.name = userName(u.uid)
	u.group = u.name
	return u, nil
}

// userName is the name under which the payload knows itself, without --user.
func userName(uid uint32) string {
	if uid == 0 {
		return "root"
	}
	if int(uid) == os.Geteuid() {
		if known, err := osuser.LookupId(id(uid)); err == nil && !strings.ContainsAny(known.Username, ":/\n") {
			return known.Username
		}
	}
	return "user"
}

// known is the identity as the jail's own passwd and group say it.
func (o *options) known(u *user) error {
	spec, groupSpec, withGroup := strings.Cut(o.user, ":")
	uid, isNumber := parseID(spec)
	passwd, err := o.accounts("/etc/passwd")
	found, known := findAccount(passwd, spec)
	switch {
	case known:
		u.uid, u.gid, u.name = found.uid, found.gid, found.name
		if o.root != "" {
			u.dir = found.home
			if base := path.Base(found.shell); found.shell != "" && base != "nologin" && base != "false" {
				u.shell = found.shell
			}
		}
	case isNumber:
		u.uid, u.gid, u.name = uid, uid, "user"
		if uid == 0 {
			u.name = "root"
		}
	case err != nil:
		return accountError("user "+spec, "/etc/passwd", err)
	default:
		return usage("user "+spec+" is not in the jail's /etc/passwd", "name one that is, or give its number")
	}
	u.group = u.name
	if withGroup {
		g, err := o.findGroup(groupSpec)
		u.gid, u.group = g.gid, g.name
		return err
	}
	if known {
		return o.memberships(u)
	}
	return nil
}

// memberships adds the groups that list the user, where the jail can set
// groups.
func (o *options) memberships(u *user) error {
	text, err := o.accounts("/etc/group")
	if err != nil {
		return nil // a root without groups has none to add
	}
	for _, g := range parseGroups(text) {
		switch {
		case g.gid == u.gid:
			u.group = g.name
		case slices.Contains(g.members, u.name) && !slices.Contains(u.groups, g.gid) && o.setsGroups():
			u.groups, u.others = append(u.groups, g.gid), append(u.others, g)
		}
	}
	return nil
}

// setsGroups reports whether the kernel lets the jail change groups: not where
// an ordinary user maps nothing but his own.
func (o *options) setsGroups() bool {
	return os.Geteuid() == 0 || o.mapAuto || len(o.idMap) > 0
}

func (o *options) findGroup(spec string) (group, error) {
	gid, isNumber := parseID(spec)
	text, err := o.accounts("/etc/group")
	for _, g := range parseGroups(text) {
		if g.name == spec || (isNumber && g.gid == gid) {
			return g, nil
		}
	}
	switch {
	case isNumber:
		return group{name: "group" + spec, gid: gid}, nil
	case err != nil:
		return group{}, accountError("group "+spec, "/etc/group", err)
	}
	return group{}, usage("group "+spec+" is not in the jail's /etc/group", "name one that is, or give its number")
}

// accounts reads a file of the jail: of its root, or of the host whose programs
// it runs.
func (o *options) accounts(name string) (string, error) {
	root := o.root
	if root == "" {
		root = "/"
	}
	return readInRoot(root, o.mounts, name)
}

func accountError(what, file string, err error) error {
	e := setup.Fail("user", "", err).(*setup.Error)
	e.Target = ""
	if e.Detail == "" {
		e.Detail = what + ": the jail's " + file
	} else {
		e.Detail = what + ": the jail's " + file + ": " + e.Detail
	}
	e.Hint, e.Status = "give numbers instead of names", setup.StatusMisuse
	return e
}

func (o *options) shares() []setup.Namespace {
	var list []setup.Namespace
	for _, s := range o.share {
		list = append(list, setup.Namespace(s))
	}
	if o.hostIDs && !slices.Contains(list, setup.UserNS) {
		list = append(list, setup.UserNS)
	}
	return list
}

// inside returns the caller's id as the maps have it; else their first one.
func inside(maps []setup.IDMap, outside uint32) uint32 {
	for _, m := range maps {
		if outside >= m.Outside && outside-m.Outside < m.Count {
			return m.Inside + (outside - m.Outside)
		}
	}
	if len(maps) > 0 {
		return maps[0].Inside
	}
	return outside
}

// subordinate gives an ordinary user's jail many ids. Root's jails have ids of
// their own anyway. The caller is the payload or, where the root is a tree of
// his own, its root.
func (o *options) subordinate(p *setup.Plan, u user) (err error) {
	if !o.mapAuto || os.Geteuid() == 0 {
		return nil
	}
	uid, gid := u.uid, u.gid
	if o.root != "" {
		uid, gid = 0, 0
	}
	p.IDs.UIDs, p.IDs.GIDs, err = spawn.SubordinateIDs(uid, gid)
	return err
}

// lines fills in how ids inside become ids of the host, where --map says it.
func (o *options) lines(ids *setup.IDs) error {
	if o.mapAuto && len(o.idMap) > 0 {
		return usage("both --map-auto and --map", "choose one")
	}
	for _, s := range o.idMap {
		switch s {
		case "auto", setup.MapIdentity:
			if len(o.idMap) > 1 {
				return usage("--map "+s+" stands alone", "leave out the others")
			}
			if s != "auto" {
				ids.Map = s
			}
			continue
		}
		if err := addMap(ids, s); err != nil {
			return err
		}
	}
	return nil
}

// addMap reads INSIDE:OUTSIDE:COUNT, for users and groups alike or, behind u:
// or g:, for one of them.
func addMap(ids *setup.IDs, s string) error {
	kind, rest, _ := strings.Cut(s, ":")
	if kind != "u" && kind != "g" {
		kind, rest = "", s
	}
	fields := strings.Split(rest, ":")
	var n [3]uint32
	ok := len(fields) == len(n)
	for i := range min(len(fields), len(n)) {
		v, err := strconv.ParseUint(fields[i], 10, 32)
		n[i], ok = uint32(v), ok && err == nil
	}
	if !ok {
		return usage("--map "+s+": not a map", "write auto, identity, INSIDE:OUTSIDE:COUNT, or u: or g: before that")
	}
	m := setup.IDMap{Inside: n[0], Outside: n[1], Count: n[2]}
	if kind != "g" {
		ids.UIDs = append(ids.UIDs, m)
	}
	if kind != "u" {
		ids.GIDs = append(ids.GIDs, m)
	}
	return nil
}
