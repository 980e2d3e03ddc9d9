package setup

// The descriptors that jailspawn leaves open in jailinit, beside 0, 1 and 2,
// which are the payload's. Nothing else is inherited.
const (
	// PlanFD is the read end of a pipe with the encoded plan, up to EOF.
	PlanFD = 3
	// StatusFD is the write end of a pipe for events. Its EOF is the end of
	// jailinit.
	StatusFD = 4
	// ControlFD is a SOCK_SEQPACKET socket for what jailspawn says while the
	// jail lives: [Control] messages and the descriptors of prepared mounts.
	// Its EOF means that jailspawn is gone.
	ControlFD = 5
	// FirstPassedFD is where the descriptors of Process.PassFDs lie, in order.
	FirstPassedFD = 6
)

// Build identifies the sources that a binary was built from. The linker sets
// it; both binaries of one build have the same. jailinit refuses a plan of
// another build, as the two halves are only ever tested together.
var Build = "unversioned"

// A Control message is one packet on [ControlFD].
type Control byte

// The control messages.
const (
	// ControlSignal carries two more bytes: the number of a signal to be
	// forwarded, and 1 if it goes to the payload's process group.
	ControlSignal Control = 's'
	// ControlMounts carries descriptors of detached mounts by SCM_RIGHTS
	// (unix(7)): those of the plan's prepared sources, in order.
	ControlMounts Control = 'm'
	// ControlKept says that something stands wherever the plan keeps a place of
	// the host.
	ControlKept Control = 'k'
	// ControlDoors comes from jailinit and carries that by which jailspawn works
	// in the jail's network namespace: a netlink(7) socket, the namespace itself,
	// and the directory of its IPv6 settings where there is one.
	ControlDoors Control = 'd'
	// ControlNetwork says that the interfaces of the plan are there and
	// configured.
	ControlNetwork Control = 'n'
	// ControlFailed says that jailspawn could not prepare what jailinit waits
	// for; jailinit ends without a word, as jailspawn tells the cause.
	ControlFailed Control = 'f'
	// ControlTerminal comes from jailinit and carries the master of the jail's
	// terminal. jailspawn answers the same when the terminal has its size.
	ControlTerminal Control = 't'
	// ControlNotify comes from jailinit and carries the notification socket.
	ControlNotify Control = 'n'
)

// MaxControlFDs is how many descriptors one control message carries at most
// (SCM_MAX_FD of unix(7) is 253).
const MaxControlFDs = 250
