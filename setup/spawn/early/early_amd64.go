//lint:file-ignore U1000 assembly uses what Go doesn't

package early

import "golang.org/x/sys/unix"

// start has jailinit cloned and executed; see early_amd64.s. It is called before
// the Go runtime is there, with the process's initial stack in R12.
func start()

// patience lets the kernel wake this thread, and those that it makes, up to 2 ms
// late. It is called before the Go runtime is there, whose monitor thread would
// wake up every 70 microseconds of a start otherwise. Each program takes it back
// for its first thread when the monitor runs.
func patience()

// Of clone(2), and the signal that its child's end sends.
const (
	CLONE_VM       = unix.CLONE_VM
	CLONE_PARENT   = unix.CLONE_PARENT
	CLONE_SETTID   = unix.CLONE_PARENT_SETTID
	CLONE_CLEARTID = unix.CLONE_CHILD_CLEARTID
	SIGCHLD        = unix.SIGCHLD
)

// The strings of start.
var (
	self     = "/proc/self/exe\x00"
	jailinit = "jailinit\x00"
	below    = "../libexec/jailspawn/jailinit\x00"
	procs    = Env + "\x00"
	rootDir  = "/\x00"
)
