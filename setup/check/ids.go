package check

import (
	"math"
	"strconv"

	"github.com/jailspawn/jailspawn/setup"
)

// MaxIDMaps is how many lines uid_map takes (user_namespaces(7), Linux 4.15).
const MaxIDMaps = 340

// noID is the id that means "no change" to the kernel.
const noID = math.MaxUint32

func (c *checker) ids(p *setup.Plan) {
	switch p.IDs.Map {
	case setup.MapAuto, setup.MapIdentity:
	default:
		c.add("ids.map", "unknown mapping "+strconv.Quote(p.IDs.Map), "known are auto and identity")
	}
	if p.Shares(setup.UserNS) && (p.IDs.Map != setup.MapAuto || len(p.IDs.UIDs)+len(p.IDs.GIDs) > 0) {
		c.add("ids", "there is nothing to map, as the user namespace is shared", "leave out --map or --no-userns")
	}
	if (len(p.IDs.UIDs) == 0) != (len(p.IDs.GIDs) == 0) {
		c.add("ids", "uids and gids go together", "give both or none")
	}
	c.idMap("ids.uids", p.IDs.UIDs)
	c.idMap("ids.gids", p.IDs.GIDs)
	c.identity(p)
}

// identity wants the payload's ids to be in the maps, if these are known.
func (c *checker) identity(p *setup.Plan) {
	pr := &p.Process
	if pr.UID == noID {
		c.add("process.uid", "4294967295 is not a user id", "")
	}
	if pr.GID == noID {
		c.add("process.gid", "4294967295 is not a group id", "")
	}
	if len(p.IDs.UIDs) == 0 || len(p.IDs.GIDs) == 0 {
		return
	}
	if _, ok := setup.Outside(p.IDs.UIDs, pr.UID); !ok {
		c.add("process.uid", number(pr.UID)+" is in no line of ids.uids", "add it with --map")
	}
	if _, ok := setup.Outside(p.IDs.GIDs, pr.GID); !ok {
		c.add("process.gid", number(pr.GID)+" is in no line of ids.gids", "add it with --map")
	}
	for _, gid := range pr.Groups {
		if _, ok := setup.Outside(p.IDs.GIDs, gid); !ok {
			c.add("process.groups", number(gid)+" is in no line of ids.gids", "add it with --map")
		}
	}
}

func (c *checker) idMap(field string, maps []setup.IDMap) {
	if len(maps) > MaxIDMaps {
		c.add(field, "has "+strconv.Itoa(len(maps))+" lines, the kernel takes "+strconv.Itoa(MaxIDMaps), "")
	}
	for i, m := range maps {
		at := field + "[" + strconv.Itoa(i) + "]"
		if m.Count == 0 {
			c.add(at, "maps no id", "give a count")
		}
		if beyond(m.Inside, m.Count) || beyond(m.Outside, m.Count) {
			c.add(at, "reaches beyond the last id, 4294967294", "")
		}
		for _, o := range maps[:i] {
			if overlap(m.Inside, o.Inside, m.Count, o.Count) || overlap(m.Outside, o.Outside, m.Count, o.Count) {
				c.add(at, "overlaps an earlier line", "")
			}
		}
	}
}

func overlap(a, b, na, nb uint32) bool {
	return uint64(a) < uint64(b)+uint64(nb) && uint64(b) < uint64(a)+uint64(na)
}
