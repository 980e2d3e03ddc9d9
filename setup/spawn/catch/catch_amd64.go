//lint:file-ignore U1000 assembly uses what Go doesn't

package catch

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// action is the kernel's struct of rt_sigaction(2).
type action struct {
	handler  uintptr
	flags    uint64
	restorer uintptr
	mask     uint64
}

const (
	ignored     = 1          // SIG_IGN
	saSiginfo   = 0x00000004 // SA_SIGINFO
	saRestorer  = 0x04000000 // SA_RESTORER
	saOnStack   = 0x08000000 // SA_ONSTACK: of each thread of the Go runtime
	saRestart   = 0x10000000 // SA_RESTART
	signalCount = 65
)

// What caught, the handler, needs: where to write, and whose a fault is.
var (
	out    int64
	before [signalCount]action
)

// caught is the handler, and restore returns from it; see catch_amd64.s. Each
// address returns that of one.
func (a *action) set(sig syscall.Signal, old *action) {
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(a)), uintptr(unsafe.Pointer(old)), 8, 0, 0)
}

func handler() uintptr
func restorer() uintptr

func catch(fd int, list []syscall.Signal) (undo func()) {
	out = int64(fd)
	ours := action{handler: handler(), flags: saSiginfo | saRestorer | saOnStack | saRestart, restorer: restorer(), mask: ^uint64(0)}
	for _, sig := range list {
		ours.set(sig, &before[sig])
		if before[sig].handler == ignored {
			before[sig].set(sig, nil)
		}
	}
	return func() {
		for _, sig := range list {
			before[sig].set(sig, nil)
		}
	}
}
