package setup

// Landlock is a second wall around the payload (landlock(7)), beside its view
// of the file system and its network namespace. The zero value builds none.
//
// It is strict: what the running kernel can't enforce stops the jail, unless
// Try is set.
type Landlock struct {
	// Files allows writing only at and below the places that the plan mounts
	// writable. The payload can then mount nothing. Linux 6.2.
	Files bool `json:"files,omitempty"`

	// Scope keeps the payload from connecting to abstract sockets and from
	// sending signals beyond its own processes. Linux 6.12.
	Scope bool `json:"scope,omitempty"`

	// TCPBind and TCPConnect, if not nil, list the only ports that TCP sockets
	// may be bound to, and connected to. An empty list allows none. Linux 6.7.
	TCPBind    *Ports `json:"tcp_bind,omitempty"`
	TCPConnect *Ports `json:"tcp_connect,omitempty"`

	// Try takes what the kernel has; [setup/spawn] says what is left out.
	Try bool `json:"try,omitempty"`

	// Rules is what the kernel is asked for. Only setup/spawn sets it.
	Rules LandlockRules `json:"-"`
}

// Ports is a list of TCP ports. Port 0 stands for those that the kernel
// chooses.
type Ports struct {
	Ports []uint16 `json:"ports"`
}

// LandlockRules are the bits of struct landlock_ruleset_attr, and the places
// where what FS forbids is allowed.
type LandlockRules struct {
	FS, Net, Scope uint64
	Writable       []string
}

// Empty reports whether there is nothing to enforce.
func (r *LandlockRules) Empty() bool { return r.FS|r.Net|r.Scope == 0 }

// Asked reports whether the plan asks for any of it.
func (l *Landlock) Asked() bool {
	return l.Files || l.Scope || l.TCPBind != nil || l.TCPConnect != nil
}

// Bits of struct landlock_ruleset_attr.
const (
	landlockWrites   = 0x1ff2 // write, remove and make files of any kind
	landlockRefer    = 1 << 13
	landlockTruncate = 1 << 14

	LandlockBindTCP    = 1 << 0
	LandlockConnectTCP = 1 << 1

	landlockScopeAbstract = 1 << 0
	landlockScopeSignal   = 1 << 1
)

// LandlockWritesToFile are the bits that make sense for a file that is no
// directory.
const LandlockWritesToFile = 1<<1 | landlockTruncate

// landlockParts says with which ABI of Landlock each part came. Files without
// [landlockRefer] would forbid every rename from one directory to another, so
// that part is no wall but a fault, and is left out as well.
var landlockParts = [...]struct {
	abi    int
	linux  string
	name   string
	wanted func(*Landlock) bool
	rules  LandlockRules
}{
	{2, "5.19", "the writing of files", func(l *Landlock) bool { return l.Files }, LandlockRules{FS: landlockWrites | landlockRefer}},
	{3, "6.2", "the truncation of files", func(l *Landlock) bool { return l.Files }, LandlockRules{FS: landlockTruncate}},
	{4, "6.7", "binding to TCP ports", func(l *Landlock) bool { return l.TCPBind != nil }, LandlockRules{Net: LandlockBindTCP}},
	{4, "6.7", "connecting to TCP ports", func(l *Landlock) bool { return l.TCPConnect != nil }, LandlockRules{Net: LandlockConnectTCP}},
	{6, "6.12", "abstract sockets and signals", func(l *Landlock) bool { return l.Scope }, LandlockRules{Scope: landlockScopeAbstract | landlockScopeSignal}},
}

// Downgrade returns what of the plan's wishes a kernel with this ABI of
// Landlock (0 for none) enforces, and in words what it doesn't.
func (l *Landlock) Downgrade(abi int) (rules LandlockRules, missing []string) {
	for _, part := range landlockParts {
		switch {
		case !part.wanted(l):
		case abi < part.abi:
			missing = append(missing, part.name+" (Linux "+part.linux+")")
		default:
			rules.FS |= part.rules.FS
			rules.Net |= part.rules.Net
			rules.Scope |= part.rules.Scope
		}
	}
	return rules, missing
}

// Writable lists the places of the plan's view that the payload may write to.
func (p *Plan) Writable() []string {
	var places []string
	if p.Root.Writable {
		places = append(places, "/")
	}
	for i := range p.Mounts {
		switch m := &p.Mounts[i]; m.Type {
		case Dir, Symlink, File:
			// on the root, or on one of the others
		default:
			if !m.ReadOnly {
				places = append(places, m.Target)
			}
		}
	}
	return places
}

func (l *Landlock) code(c *coder) {
	flag(c, &l.Files)
	flag(c, &l.Scope)
	optional(c, &l.TCPBind, codePorts)
	optional(c, &l.TCPConnect, codePorts)
	flag(c, &l.Try)
	num(c, &l.Rules.FS)
	num(c, &l.Rules.Net)
	num(c, &l.Rules.Scope)
	list(c, &l.Rules.Writable, str[string])
}

func codePorts(c *coder, p *Ports) { list(c, &p.Ports, num[uint16]) }
