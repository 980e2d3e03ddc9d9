package confine

import (
	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/sigaction"
)

// Hide makes this process non-dumpable: nobody without CAP_SYS_PTRACE can
// attach to it, read its memory or follow its links in /proc
// (PR_SET_DUMPABLE). An execve(2) resets it, so the payload is unaffected.
func Hide() error {
	return setup.Fail("dumpable", "", prctl(unix.PR_SET_DUMPABLE, 0, 0))
}

// Show undoes [Hide], for as long as nobody else is in the jail: the files in
// /proc of a child that shares this process's memory belong to the jail then.
func Show() error {
	return setup.Fail("dumpable", "", prctl(unix.PR_SET_DUMPABLE, 1, 0))
}

// Descriptors closes every descriptor from first on: what the caller of
// jailspawn left open without close-on-exec.
func Descriptors(first int) error {
	return setup.Fail("descriptors", "", unix.CloseRange(uint(first), ^uint(0)>>32, 0))
}

// ResetSignals gives all signals their default action and unblocks them on this
// thread, so the payload starts with a clean slate whatever the caller ignores.
//
// For process 1 itself the default action is a shield: the kernel drops every
// signal that would then end or stop it, but for SIGKILL and SIGSTOP from
// outside (pid_namespaces(7)). The Go runtime keeps SIGURG and SIGCHLD, which do no harm.
func ResetSignals() error {
	for sig := unix.Signal(1); sig <= setup.LastSignal; sig++ {
		switch sig {
		case unix.SIGKILL, unix.SIGSTOP, unix.SIGURG, unix.SIGCHLD:
			continue
		}
		if err := sigaction.Set(sig, new(sigaction.Action), nil); err != nil {
			return setup.Fail("signals", "", err)
		}
	}
	return setup.Fail("signals", "", unix.PthreadSigmask(unix.SIG_SETMASK, new(unix.Sigset_t), nil))
}
