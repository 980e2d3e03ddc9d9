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

	// Name makes the jail known on its host: it is listed, entered and stopped
	// by it (setup/spawn/named). Empty: the jail has none, and leaves no trace.
	Name string `json:"name,omitempty"`

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

	// Life says how signals reach the payload and how the jail ends.
	Life Life `json:"life,omitzero"`

	// Service connects the payload to a service manager.
	Service Service `json:"service,omitzero"`
	// Resources limits what the jail may use.
	Resources Resources `json:"resources"`

	// Process is the payload.
	Process Process `json:"process"`

	// Hooks run on the host.
	Hooks Hooks `json:"hooks,omitzero"`
}

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

// OwnMounts reports whether the payload gets a user and mount namespace of its
// own inside the jail's: one that keeps sys_admin could undo read-only mounts
// otherwise. Its capabilities then count in those two namespaces alone. In a
// jail without a user namespace sys_admin is the host's, and nothing helps.
func (p *Plan) OwnMounts() bool {
	if p.Shares(UserNS) {
		return false
	}
	for _, name := range p.Process.Capabilities {
		if name == "sys_admin" {
			return true
		}
	}
	return false
}

// Keeps reports whether a place is kept. jailinit then waits until jailspawn has
// put something where one is missing (see [ControlKept]).
func (p *Plan) Keeps() bool {
	for i := range p.Mounts {
		if p.Mounts[i].Type == Keep {
			return true
		}
	}
	return false
}

// SecondStage reports whether jailinit is executed once more, as the process
// that becomes the payload.
func (p *Plan) SecondStage() bool {
	return p.Process.Seccomp.Late || p.OwnMounts() || p.Service.Listen > 0
}

func (p *Plan) code(c *coder) {
	num(c, &p.Version)
	str(c, &p.Name)
	list(c, &p.Share, str[Namespace])
	p.IDs.code(c)
	p.Root.code(c)
	list(c, &p.Mounts, codeMount)
	str(c, &p.Hostname)
	str(c, &p.Domainname)
	p.Network.code(c)
	flag(c, &p.AllowUserns)
	p.Life.code(c)
	p.Service.code(c)
	p.Resources.code(c)
	p.Process.code(c)
	p.Hooks.code(c)
}
