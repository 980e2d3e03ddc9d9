// Package catch collects the signals that a process gets in a pipe: one byte
// each, the signal's number. It needs no privilege.
//
// On amd64 it does so without the os/signal package, whose setup takes two
// switches between threads for each signal: a tenth of a jail's start for all
// of them. It also catches signals 32 to 34, which the Go runtime leaves to the
// C library.
package catch

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// Signals are the signals that are being caught. There is at most one in a
// process.
type Signals struct {
	pipe [2]int
	undo func()
}

// Start catches the signals of the list, but for those that the process
// ignores. The Go runtime gets none of them any more, except faults of this
// program itself.
func Start(list []syscall.Signal) (*Signals, error) {
	s := new(Signals)
	if err := unix.Pipe2(s.pipe[:], unix.O_CLOEXEC); err != nil {
		return nil, err
	}
	// A signal that finds the pipe full of others is lost, not waited for.
	if err := unix.SetNonblock(s.pipe[1], true); err != nil {
		unix.Close(s.pipe[0])
		unix.Close(s.pipe[1])
		return nil, err
	}
	s.undo = catch(s.pipe[1], list)
	return s, nil
}

// FD is the end of the pipe to read from, without O_NONBLOCK.
func (s *Signals) FD() int { return s.pipe[0] }

// Wait returns when there is something to read from fd, or its end. Until then it
// passes on the signals whose numbers come through from, one byte each; that is
// 0 if there are none, and becomes 0 when no more will come.
func Wait(fd int, from *int, pass func(syscall.Signal)) {
	poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}, {Fd: int32(*from), Events: unix.POLLIN}}
	for *from != 0 {
		_, err := unix.Poll(poll, -1)
		switch {
		case err == unix.EINTR:
			continue
		case err == nil && poll[1].Revents != 0:
			read(from, pass)
		}
		if err != nil || poll[0].Revents != 0 {
			return // the caller's read tells
		}
	}
}

// read passes on the signals that have come.
func read(from *int, pass func(syscall.Signal)) {
	var buf [64]byte
	n, err := unix.Read(*from, buf[:])
	if err == unix.EINTR {
		return
	}
	if err != nil || n == 0 {
		*from = 0
		return
	}
	for _, sig := range buf[:n] {
		pass(syscall.Signal(sig))
	}
}

// Stop gives the signals back to whom they had belonged.
func (s *Signals) Stop() {
	s.undo()
	unix.Close(s.pipe[0])
	unix.Close(s.pipe[1])
}
