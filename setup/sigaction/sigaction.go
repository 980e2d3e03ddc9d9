// Package sigaction changes what a signal does to this process, past the Go
// runtime, which knows nothing of it. It needs no privilege.
package sigaction

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// An Action is the kernel's struct of rt_sigaction(2). The zero value is the
// default action, which the Go runtime never gives back.
type Action struct {
	Handler  uintptr
	Flags    uint64
	Restorer uintptr
	Mask     uint64
}

// Ignore is the handler that ignores a signal (SIG_IGN).
const Ignore = 1

// Set gives a signal an action, and tells the old one in old if that isn't nil.
func Set(sig syscall.Signal, action, old *Action) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(action)), uintptr(unsafe.Pointer(old)), 8, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
