package spawn

import (
	"bytes"
	"os/exec"
	osuser "os/user"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/rawfile"
)

// SubordinateIDs returns the maps of a jail with many ids for an ordinary user:
// the caller's own ids are uid and gid inside, and every other id from 0 on is
// one of those that subuid(5) and subgid(5) give him, in their order. The jail
// needs newuidmap(1) and newgidmap(1), which Debian has in its package uidmap.
func SubordinateIDs(uid, gid uint32) (uids, gids []setup.IDMap, err error) {
	own := strconv.Itoa(unix.Geteuid())
	name := own
	if u, err := osuser.LookupId(own); err == nil {
		name = u.Username
	}
	for _, k := range []struct {
		file        string
		inside, own uint32
		maps        *[]setup.IDMap
	}{
		{"/etc/subuid", uid, uint32(unix.Geteuid()), &uids},
		{"/etc/subgid", gid, uint32(unix.Getegid()), &gids},
	} {
		data, err := rawfile.Read(k.file)
		if err != nil && err != unix.ENOENT {
			return nil, nil, setup.Fail("ids", k.file, err)
		}
		ranges := subordinate(string(data), name, own)
		if len(ranges) == 0 {
			return nil, nil, &setup.Error{
				Step: "ids", Target: k.file, Detail: "no range for " + name,
				Hint: "as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 " + name,
			}
		}
		*k.maps = around(setup.IDMap{Inside: k.inside, Outside: k.own, Count: 1}, ranges)
	}
	return uids, gids, nil
}

// subordinate returns the ranges that a file of the form of subuid(5) gives to
// a user, who stands there by name or by number. Lines that are wrong give
// nothing.
func subordinate(data, name, id string) (ranges []setup.IDMap) {
	for line := range strings.Lines(data) {
		fields := strings.Split(strings.TrimSpace(line), ":")
		if len(fields) != 3 || (fields[0] != name && fields[0] != id) {
			continue
		}
		start, err := strconv.ParseUint(fields[1], 10, 32)
		count, err2 := strconv.ParseUint(fields[2], 10, 32)
		if err == nil && err2 == nil && count > 0 && start+count <= 1<<32-1 {
			ranges = append(ranges, setup.IDMap{Outside: uint32(start), Count: uint32(count)})
		}
	}
	return ranges
}

// around lays out ranges inside from 0 on, leaving out the id of own.
func around(own setup.IDMap, ranges []setup.IDMap) []setup.IDMap {
	maps := []setup.IDMap{own}
	next := uint32(0)
	for _, r := range ranges {
		for r.Count > 0 {
			if next == own.Inside {
				next++
			}
			n := r.Count
			if next < own.Inside {
				n = min(n, own.Inside-next)
			}
			maps = append(maps, setup.IDMap{Inside: next, Outside: r.Outside, Count: n})
			next, r.Outside, r.Count = next+n, r.Outside+n, r.Count-n
		}
	}
	return maps
}

// mapTools are set-user-ID programs that write a map for an ordinary user.
var mapTools = [...]string{"newuidmap", "newgidmap"}

// findMapTools wants both to be there before anything is done.
func findMapTools() error {
	for _, tool := range mapTools {
		if _, err := exec.LookPath(tool); err != nil {
			return &setup.Error{
				Step: "ids", Target: tool, Detail: "not found, and an ordinary user needs it for more ids than the own one",
				Errno: unix.ENOENT, Hint: "install Debian's package uidmap, or shadow-utils elsewhere",
			}
		}
	}
	return nil
}

// writeSubordinateMaps has both maps of the jail written, at the same time. It
// waits for its plan meanwhile.
func (j *Jail) writeSubordinateMaps(p *setup.Plan) error {
	var tools [len(mapTools)]*exec.Cmd
	var words [len(mapTools)]bytes.Buffer
	var failed error
	for i, maps := range [...][]setup.IDMap{p.IDs.UIDs, p.IDs.GIDs} {
		args := append([]string{strconv.Itoa(j.pid)}, strings.Fields(mapLines(maps))...)
		tools[i] = exec.Command(mapTools[i], args...)
		tools[i].Env, tools[i].Stderr = []string{"LC_ALL=C"}, &words[i]
		if err := tools[i].Start(); err != nil {
			failed, tools[i] = setup.Fail("ids", mapTools[i], err), nil
		}
	}
	for i, tool := range tools {
		if tool == nil {
			continue
		}
		if err := tool.Wait(); err != nil {
			line, _, _ := strings.Cut(words[i].String(), "\n")
			failed = &setup.Error{
				Step: "ids", Target: mapTools[i], Detail: strings.TrimPrefix(line, mapTools[i]+": "), Errno: unix.EPERM,
				Hint: "ids on the host must be your own or lie in your ranges of /etc/subuid and /etc/subgid",
			}
		}
	}
	return failed
}

// KeptGroups returns the supplementary groups of the caller that the payload of
// p keeps, as the kernel lets nobody drop them who maps no id but his own.
func KeptGroups(p *setup.Plan) ([]uint32, error) {
	c, err := callerNow()
	if err != nil || c.root() || (len(p.IDs.UIDs) > 0 && !p.IDs.Single()) {
		return nil, err
	}
	groups, err := unix.Getgroups()
	var kept []uint32
	for _, g := range groups {
		if uint32(g) != c.gid {
			kept = append(kept, uint32(g))
		}
	}
	return kept, setup.Fail("ids", "groups", err)
}
