package confine

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// Hide makes this process non-dumpable: nobody without CAP_SYS_PTRACE can
// attach to it, read its memory or follow its links in /proc
// (PR_SET_DUMPABLE). An execve(2) resets it, so the payload is unaffected.
func Hide() error {
	return setup.Fail("dumpable", "", prctl(unix.PR_SET_DUMPABLE, 0, 0))
}

// Descriptors closes every descriptor from first on: what the caller of
// jailspawn left open without close-on-exec.
func Descriptors(first int) error {
	return setup.Fail("descriptors", "", unix.CloseRange(uint(first), ^uint(0)>>32, 0))
}

// sigaction is the kernel's struct of rt_sigaction(2).
type sigaction struct {
	handler  uintptr
	flags    uint64
	restorer uintptr
	mask     uint64
}

const (
	sigDefault = 0
	sigIgnore  = 1
	lastSignal = 64
)

// ResetSignals gives the signals that the caller ignores their default action
// again, for this process and those it starts, and unblocks all on this
// thread.
func ResetSignals() error {
	for sig := uintptr(1); sig <= lastSignal; sig++ {
		if sig == uintptr(unix.SIGKILL) || sig == uintptr(unix.SIGSTOP) {
			continue
		}
		var old sigaction
		if errno := rtSigaction(sig, nil, &old); errno != 0 {
			return setup.Fail("signals", "", errno)
		}
		if old.handler != sigIgnore {
			continue
		}
		if errno := rtSigaction(sig, &sigaction{handler: sigDefault}, nil); errno != 0 {
			return setup.Fail("signals", "", errno)
		}
	}
	return setup.Fail("signals", "", unix.PthreadSigmask(unix.SIG_SETMASK, new(unix.Sigset_t), nil))
}

func rtSigaction(sig uintptr, act, old *sigaction) unix.Errno {
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, sig, uintptr(unsafe.Pointer(act)), uintptr(unsafe.Pointer(old)), 8, 0, 0)
	return errno
}
