package setup

// Version is the version of the plan format. A plan of another version is
// refused; there is no silent reading of older or newer ones.
const Version = 1

// MaxPlan is the largest plan in bytes, encoded or as JSON, that is accepted.
const MaxPlan = 4 << 20

// A Plan says all there is to say about one jail. It is plain data: paths are
// absolute and clean, ids are numbers, nothing is looked up later inside.
//
// The zero value of every field is the safe one: all namespaces new, an empty
// root, no capability, no descriptor but 0 to 2.
type Plan struct {
	// Version must be [Version].
	Version int `json:"version"`

	// Share lists the namespaces that are not made new but shared with the
	// caller. See [Namespaces] for what each means and which are refused.
	Share []Namespace `json:"share,omitempty"`

	// IDs maps the ids of the jail's user namespace to those of the host.
	IDs IDs `json:"ids"`

	// Root is the file system the jail starts from.
	Root Root `json:"root"`

	// Mounts are made in order, below the root.
	Mounts []Mount `json:"mounts,omitempty"`

	// Hostname and Domainname are set in the jail's UTS namespace
	// (uts_namespaces(7)); empty leaves the caller's. 64 bytes at most.
	Hostname   string `json:"hostname,omitempty"`
	Domainname string `json:"domainname,omitempty"`

	// Network describes the jail's network namespace.
	Network Network `json:"network"`

	// AllowUserns lets the payload create user namespaces of its own. By
	// default the jail's limit of user namespaces is 0 (namespaces(7)), which
	// keeps the payload from regaining capabilities over namespaces it owns.
	AllowUserns bool `json:"allow_userns,omitempty"`

	// Process is the payload.
	Process Process `json:"process"`
}

// IDs maps the user and group ids of the jail.
type IDs struct {
	// Map says how the maps come about where UIDs and GIDs are empty: [MapAuto]
	// (the zero value) or [MapIdentity].
	Map string `json:"map,omitempty"`

	// UIDs and GIDs are the lines of uid_map and gid_map (user_namespaces(7)).
	// Empty: made by Map when the jail starts.
	UIDs []IDMap `json:"uids,omitempty"`
	GIDs []IDMap `json:"gids,omitempty"`
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

// Network describes the jail's network namespace.
type Network struct {
	// NoLoopback leaves the loopback interface down, as the kernel made it.
	NoLoopback bool `json:"no_loopback,omitempty"`
}

// Process is the payload of a jail and the state it starts with.
type Process struct {
	// Argv is the command. A first word without a slash is looked up in the
	// PATH of Env, inside the jail.
	Argv []string `json:"argv"`

	// Env is the whole environment, as NAME=VALUE.
	Env []string `json:"env,omitempty"`

	// Cwd is the working directory inside; empty means "/".
	Cwd string `json:"cwd,omitempty"`

	// UID, GID and Groups are ids inside the jail. Groups can't be changed
	// where an ordinary user's map denies setgroups(2).
	UID    uint32   `json:"uid"`
	GID    uint32   `json:"gid"`
	Groups []uint32 `json:"groups,omitempty"`

	// Umask is the file mode creation mask; nil means 022.
	Umask *uint32 `json:"umask,omitempty"`

	// Capabilities names what the payload may keep (capabilities(7)), without
	// the prefix "cap_". They stand in all five sets; the rest is in none.
	Capabilities []string `json:"capabilities,omitempty"`

	// Rlimits are set before the payload starts (getrlimit(2)).
	Rlimits []Rlimit `json:"rlimits,omitempty"`

	// PassFDs are descriptors of jailspawn that the payload gets under the same
	// number, beside 0, 1 and 2.
	PassFDs []int `json:"pass_fds,omitempty"`
}

// Rlimit is one resource limit. Unlimited is [Infinity].
type Rlimit struct {
	Resource string `json:"resource"`
	Soft     uint64 `json:"soft"`
	Hard     uint64 `json:"hard"`
}

// Infinity is RLIM_INFINITY.
const Infinity = ^uint64(0)

// NewPlan returns an otherwise empty plan of the current version.
func NewPlan() *Plan { return &Plan{Version: Version} }

// Shares reports whether the plan shares namespace n with the caller.
func (p *Plan) Shares(n Namespace) bool {
	for _, s := range p.Share {
		if s == n {
			return true
		}
	}
	return false
}
