package spawn

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/check"
	"github.com/jailspawn/jailspawn/setup/rawfile"
	"github.com/jailspawn/jailspawn/setup/spawn/early"
	"github.com/jailspawn/jailspawn/setup/spawn/hostnet"
)

// A caller is who starts the jail.
type caller struct {
	uid, gid   uint32
	uids, gids []setup.IDMap // the ids that the caller's own user namespace has
}

func callerNow() (*caller, error) {
	c := &caller{uid: uint32(unix.Geteuid()), gid: uint32(unix.Getegid())}
	if c.uid != 0 {
		return c, nil
	}
	var err error
	if c.uids, err = readMap("/proc/self/uid_map"); err != nil {
		return nil, err
	}
	c.gids, err = readMap("/proc/self/gid_map")
	return c, err
}

// root reports whether the caller has more ids than one to give away. Uid 0 of
// a user namespace with a single id is an ordinary user.
func (c *caller) root() bool {
	return c.uid == 0 && len(c.uids) > 0 && (len(c.uids) > 1 || c.uids[0].Count > 1)
}

// own reports whether the maps have the caller's own ids and no others.
func (c *caller) own(ids *setup.IDs) bool {
	return ids.Single() && ids.UIDs[0].Outside == c.uid && ids.GIDs[0].Outside == c.gid
}

// resolve fills in what depends on the caller: who opens the sources, and the
// id maps. The descriptor it returns keeps the range of ids
// taken as long as it is open; it is -1 if there is none.
func (c *caller) resolve(p *setup.Plan) (*setup.Plan, int, error) {
	plan := *p
	plan.Mounts = append([]setup.Mount(nil), p.Mounts...)
	plan.Network.Rules = string(hostnet.JailRules(&plan.Network))
	var err error
	if plan.Process.Rlimits, err = Rlimits(p.Process.Rlimits); err != nil {
		return nil, -1, err
	}
	if err := checkLabels(&p.Process.Labels); err != nil {
		return nil, -1, err
	}
	if !c.root() {
		if err := c.checkOrdinary(p); err != nil {
			return nil, -1, err
		}
	}
	if err := c.sources(&plan); err != nil {
		return nil, -1, err
	}
	if p.Shares(setup.UserNS) {
		return &plan, -1, nil
	}
	lock := -1
	if len(plan.IDs.UIDs) == 0 {
		if lock, err = c.fillMaps(&plan); err != nil {
			return nil, -1, err
		}
		if err := check.Plan(&plan); err != nil {
			closeFD(lock)
			return nil, -1, err
		}
	}
	return &plan, lock, nil
}

// checkOrdinary refuses what an ordinary user's jail can't have: the host's
// ids, and groups where no group but the own one is mapped.
func (c *caller) checkOrdinary(p *setup.Plan) error {
	if p.Shares(setup.UserNS) {
		return &setup.Error{Step: "ids", Detail: "sharing the user namespace needs root", Errno: unix.EPERM, Hint: "leave out --no-userns"}
	}
	if p.IDs.Map == setup.MapIdentity {
		return &setup.Error{Step: "ids", Detail: "mapping the host's ids onto themselves needs root", Errno: unix.EPERM, Hint: "leave out --map identity; --map-auto gives a jail many ids"}
	}
	if own := len(p.IDs.UIDs) == 0 || c.own(&p.IDs); !own {
		if err := findMapTools(); err != nil {
			return err
		}
	} else if len(p.Process.Groups) > 0 {
		return &setup.Error{Step: "identity", Target: "groups", Detail: "an ordinary user's jail can't change its groups", Errno: unix.EPERM, Hint: "give it subordinate ids with --map-auto"}
	}
	return nil
}

func (c *caller) fillMaps(p *setup.Plan) (lock int, err error) {
	switch {
	case !c.root():
		p.IDs.UIDs = []setup.IDMap{{Inside: p.Process.UID, Outside: c.uid, Count: 1}}
		p.IDs.GIDs = []setup.IDMap{{Inside: p.Process.GID, Outside: c.gid, Count: 1}}
		return -1, nil
	case p.IDs.Map == setup.MapIdentity:
		p.IDs.UIDs, p.IDs.GIDs = identity(c.uids), identity(c.gids)
		return -1, nil
	}
	lock, base, err := c.takeRange()
	if err != nil {
		return -1, err
	}
	if !has(c.uids, base) || !has(c.gids, base) {
		closeFD(lock)
		return -1, &setup.Error{
			Step: "ids", Detail: "this user namespace has no free range of " + strconv.Itoa(early.RangeSize) + " ids",
			Hint: "use --map identity, or give the container more ids",
		}
	}
	p.IDs.UIDs, p.IDs.GIDs = ownRange(base, p.Process.UID), ownRange(base, p.Process.GID)
	return lock, nil
}

// ownRange maps the ids from 0 on to a range. An id of the payload's that lies
// beyond takes the place of the last one.
func ownRange(base, id uint32) []setup.IDMap {
	if id < early.RangeSize {
		return []setup.IDMap{{Inside: 0, Outside: base, Count: early.RangeSize}}
	}
	return []setup.IDMap{
		{Inside: 0, Outside: base, Count: early.RangeSize - 1},
		{Inside: id, Outside: base + early.RangeSize - 1, Count: 1},
	}
}

// identity maps every id that a namespace has onto itself.
func identity(maps []setup.IDMap) []setup.IDMap {
	out := make([]setup.IDMap, len(maps))
	for i, m := range maps {
		out[i] = setup.IDMap{Inside: m.Inside, Outside: m.Inside, Count: m.Count}
	}
	return out
}

func has(maps []setup.IDMap, base uint32) bool {
	_, first := setup.Outside(maps, base)
	_, last := setup.Outside(maps, base+early.RangeSize-1)
	return first && last
}

// readMap reads a uid_map or gid_map (user_namespaces(7)).
func readMap(file string) ([]setup.IDMap, error) {
	data, err := rawfile.Read(file)
	if err != nil {
		return nil, setup.Fail("ids", file, err)
	}
	var maps []setup.IDMap
	for line := range strings.Lines(string(data)) {
		var numbers [3]uint32
		fields := strings.Fields(line)
		for i := range min(len(fields), 3) {
			n, err := strconv.ParseUint(fields[i], 10, 32)
			if err != nil {
				return nil, setup.Fail("ids", file, err)
			}
			numbers[i] = uint32(n)
		}
		maps = append(maps, setup.IDMap{Inside: numbers[0], Outside: numbers[1], Count: numbers[2]})
	}
	return maps, nil
}

// writeMaps maps the ids of a jail whose jailinit waits for its plan
// (user_namespaces(7)). An ordinary user has to give up setgroups(2) to map his
// own ids, and needs help to map others.
func (j *Jail) writeMaps(p *setup.Plan, c *caller) error {
	if p.Shares(setup.UserNS) {
		return nil
	}
	if !c.root() && !c.own(&p.IDs) {
		return j.writeSubordinateMaps(p)
	}
	proc := "/proc/" + strconv.Itoa(j.pid) + "/"
	for _, f := range []struct{ name, content string }{
		{"setgroups", "deny"},
		{"uid_map", mapLines(p.IDs.UIDs)},
		{"gid_map", mapLines(p.IDs.GIDs)},
	} {
		if f.name == "setgroups" && c.root() {
			continue
		}
		fd, err := unix.Open(proc+f.name, unix.O_WRONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return setup.Fail("ids", f.name, err)
		}
		_, err = unix.Write(fd, []byte(f.content))
		unix.Close(fd)
		if err != nil {
			return setup.Fail("ids", f.name, err)
		}
	}
	return nil
}

func mapLines(maps []setup.IDMap) string {
	var lines []byte
	for _, m := range maps {
		for i, n := range []uint32{m.Inside, m.Outside, m.Count} {
			lines = strconv.AppendUint(lines, uint64(n), 10)
			lines = append(lines, "  \n"[i])
		}
	}
	return string(lines)
}
