package setup

// Namespace names a kind of namespace as /proc/PID/ns does (namespaces(7)),
// but for mnt, which is "mount".
type Namespace string

// The kinds of namespace a jail is made of.
const (
	UserNS   Namespace = "user"
	MountNS  Namespace = "mount"
	PIDNS    Namespace = "pid"
	NetNS    Namespace = "net"
	IPCNS    Namespace = "ipc"
	UTSNS    Namespace = "uts"
	CgroupNS Namespace = "cgroup"
)

// NamespaceRule says what sharing one kind of namespace means.
type NamespaceRule struct {
	Namespace Namespace
	Flag      uintptr // CLONE_NEW* of clone(2)
	Shared    string  // what the payload then has, for help and documentation
	Refused   string  // why it can't be shared, empty where it can
	Hint      string  // what to do instead
}

// Namespaces is the table of all kinds. The time namespace is not in it: one
// without offsets separates nothing.
var Namespaces = []NamespaceRule{
	{UserNS, 0x10000000, "the host's users: uid 0 of the jail is root on the host; root only", "", ""},
	{
		MountNS, 0x00020000, "",
		"the view of the file system is what makes a jail",
		"open what it should see with --ro and --rw",
	},
	{
		PIDNS, 0x20000000,
		"the host's processes: it sees them, and may signal those with an id of the jail's; needs root or a cgroup of the caller's own",
		"", "",
	},
	{NetNS, 0x40000000, "the host's network and abstract sockets", "", ""},
	{IPCNS, 0x08000000, "the host's System V IPC and POSIX message queues", "", ""},
	{UTSNS, 0x04000000, "the host's host and domain name", "", ""},
	{CgroupNS, 0x02000000, "the paths of the host's cgroups in /proc", "", ""},
}

// Rule returns the table's row for n; ok is false for an unknown name.
func (n Namespace) Rule() (rule NamespaceRule, ok bool) {
	for _, r := range Namespaces {
		if r.Namespace == n {
			return r, true
		}
	}
	return NamespaceRule{}, false
}

// CloneFlags returns the CLONE_NEW* flags of every namespace that the plan
// doesn't share. A network namespace that the jail joins isn't new either.
func (p *Plan) CloneFlags() uintptr {
	var flags uintptr
	for _, r := range Namespaces {
		if !p.Shares(r.Namespace) && (r.Namespace != NetNS || p.Network.Join == "") {
			flags |= r.Flag
		}
	}
	return flags
}
