package spawn

import (
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/sigaction"
	"github.com/jailspawn/jailspawn/setup/spawn/tty"
)

// Signal passes a signal on to the payload, or to its process group if the plan
// says so. A jail that is ending needs none: there is no error for it.
func (j *Jail) Signal(sig syscall.Signal) { j.send(sig, j.asked.Life.SignalGroup) }

func (j *Jail) send(sig syscall.Signal, group bool) {
	if j.together.signal(sig) {
		return
	}
	message := []byte{byte(setup.ControlSignal), byte(sig), 0}
	if group {
		message[2] = 1
	}
	j.speaking.Lock()
	defer j.speaking.Unlock()
	_ = unix.Sendto(j.control, message, unix.MSG_NOSIGNAL, nil)
}

// forward passes on one signal that has come.
func (j *Jail) forward(sig syscall.Signal) {
	if t := j.terminal.Load(); t != nil {
		t.Heed(sig)
	}
	switch sig {
	case unix.SIGWINCH:
		if t := j.terminal.Load(); t != nil {
			t.Resize() // and the kernel tells the payload
			return
		}
	case unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU:
		j.stopAsked = true
	case unix.SIGCONT:
		j.stopAsked = false
		if t := j.terminal.Load(); t != nil {
			t.Claim()
		}
	}
	if to := syscall.Signal(j.asked.Life.Rewrite(int(sig))); to != 0 {
		j.send(to, j.asked.Life.SignalGroup || typed(sig))
	}
}

// typed reports whether a signal may come from the keyboard or the shell's job
// control. As with a bare command, it is then for the whole process group.
func typed(sig syscall.Signal) bool {
	switch sig {
	case unix.SIGCONT:
		return true
	case unix.SIGINT, unix.SIGQUIT, unix.SIGTSTP:
		return foreground()
	}
	return false
}

func foreground() bool {
	return tty.Foreground(0) || tty.Foreground(1) || tty.Foreground(2)
}

// payloadStopped stops this process as well if the payload stopped because of
// the user's keyboard, or of a signal that we passed on, so that the shell gets
// its terminal back. Anything else that stops the payload is no reason: it
// could hang us then. The payload goes on when we do.
func (j *Jail) payloadStopped() {
	front := foreground()
	if !front && !j.stopAsked {
		return
	}
	t := j.terminal.Load()
	if t != nil {
		t.Release()
	}
	if front {
		stopJob()
	} else {
		Raise(unix.SIGSTOP)
	}
	if t != nil {
		t.Claim()
		t.Resize()
	}
	j.stopAsked = false
	j.send(unix.SIGCONT, true)
}

// stopJob stops this process and the rest of its process group. Where no shell
// is there to continue them, the kernel drops the signal, and it just returns.
func stopJob() {
	var ours sigaction.Action
	// Ignored while the others are told.
	_ = sigaction.Set(unix.SIGTSTP, &sigaction.Action{Handler: sigaction.Ignore}, &ours)
	_ = unix.Kill(0, unix.SIGTSTP)
	_ = sigaction.Set(unix.SIGTSTP, new(sigaction.Action), nil)
	Raise(unix.SIGTSTP)
	_ = sigaction.Set(unix.SIGTSTP, &ours, nil)
}

// Raise sends a signal to this thread, which has taken it when Raise returns;
// what is sent to the process may be for another thread, and later. One that
// stops the process has stopped it until it is continued.
func Raise(sig syscall.Signal) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_ = unix.Tgkill(unix.Getpid(), unix.Gettid(), sig)
}
