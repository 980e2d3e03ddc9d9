//lint:file-ignore U1000 assembly uses what Go doesn't

package catch

import (
	"syscall"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/sigaction"
)

// Flags of rt_sigaction(2).
const (
	saSiginfo  = 0x00000004 // SA_SIGINFO
	saRestorer = 0x04000000 // SA_RESTORER
	saOnStack  = 0x08000000 // SA_ONSTACK: of each thread of the Go runtime
	saRestart  = 0x10000000 // SA_RESTART
)

// What the handler needs to know: where to write, and who handles faults.
var (
	out    int64
	owners [setup.LastSignal + 1]uintptr
)

// handler and restorer return the addresses of what is called for a signal, and
// of what returns from that; see catch_amd64.s.
func handler() uintptr
func restorer() uintptr

func catch(fd int, list []syscall.Signal) (undo func()) {
	out = int64(fd)
	ours := sigaction.Action{Handler: handler(), Flags: saSiginfo | saRestorer | saOnStack | saRestart, Restorer: restorer(), Mask: ^uint64(0)}
	before := make([]sigaction.Action, len(list))
	for i, sig := range list {
		_ = sigaction.Set(sig, &ours, &before[i])
		owners[sig] = before[i].Handler
		if before[i].Handler == sigaction.Ignore {
			_ = sigaction.Set(sig, &before[i], nil)
		}
	}
	return func() {
		for i, sig := range list {
			_ = sigaction.Set(sig, &before[i], nil)
		}
	}
}
