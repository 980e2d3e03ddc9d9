package setup

// IDs maps the user and group ids of the jail.
type IDs struct {
	// Map says how the maps come about where UIDs and GIDs are empty: [MapAuto]
	// (the zero value) or [MapIdentity].
	Map string `json:"map,omitempty"`

	// UIDs and GIDs are the lines of uid_map and gid_map (user_namespaces(7)).
	// Empty: made by Map when the jail starts.
	UIDs []IDMap `json:"uids,omitempty"`
	GIDs []IDMap `json:"gids,omitempty"`

	// KeptGroups are supplementary groups of the caller, as the host numbers
	// them, that the payload keeps, because the kernel doesn't let an ordinary
	// user drop them (user_namespaces(7)). It is there to be read: jailspawn
	// plan fills it in and nothing comes of it.
	KeptGroups []uint32 `json:"kept_groups,omitempty"`
}

// Ways in which [IDs] are made.
const (
	// MapAuto gives a jail started by root 65,536 host ids that no other jail
	// uses; an ordinary user's jail has the caller's own id and no other.
	MapAuto = ""

	// MapIdentity maps every id that the caller's user namespace has onto
	// itself. It needs CAP_SETUID and CAP_SETGID; uid 0 of the jail is then the
	// host's root to files, sockets and sysctls.
	MapIdentity = "identity"
)

// IDMap is one range of ids: Count ids from Inside on are, on the host, those
// from Outside on.
type IDMap struct {
	Inside  uint32 `json:"inside"`
	Outside uint32 `json:"outside"`
	Count   uint32 `json:"count"`
}

// Outside returns the host's id for an id of the jail.
func Outside(maps []IDMap, inside uint32) (id uint32, ok bool) {
	for _, m := range maps {
		if inside >= m.Inside && inside-m.Inside < m.Count {
			return m.Outside + (inside - m.Inside), true
		}
	}
	return 0, false
}

// Single reports whether the jail has one user id and one group id, all that an
// ordinary user can map without help. Supplementary groups can't be set then.
func (i *IDs) Single() bool { return oneID(i.UIDs) && oneID(i.GIDs) }

func oneID(maps []IDMap) bool { return len(maps) == 1 && maps[0].Count == 1 }

// NestsJails reports whether jails are to be started inside the jail. The
// kernel mounts a new proc only where all of the surrounding one is in sight, so
// nothing of that is hidden or made read-only then: the owners of its files
// protect it. Where the host's root is an id of the jail they don't; such a jail
// can't have jails inside.
func (p *Plan) NestsJails() bool {
	if !p.AllowUserns || p.Shares(UserNS) {
		return false
	}
	for _, m := range p.IDs.UIDs {
		if m.Outside == 0 {
			return false
		}
	}
	return true
}

func (i *IDs) code(c *coder) {
	str(c, &i.Map)
	list(c, &i.UIDs, codeIDMap)
	list(c, &i.GIDs, codeIDMap)
	list(c, &i.KeptGroups, num[uint32])
}

func codeIDMap(c *coder, m *IDMap) {
	num(c, &m.Inside)
	num(c, &m.Outside)
	num(c, &m.Count)
}
