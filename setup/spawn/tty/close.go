package tty

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// linger bounds the wait for output when the jail is gone: somebody outside may
// have been given its terminal and hold it open.
const linger = time.Second

// rest is more than a terminal keeps of what is printed. Who has it open outside
// and prints on is not listened to.
const rest = 1 << 20

// Heed is told of each signal that comes. One that asks programs to end makes a
// reader who takes nothing of the output one that isn't waited for.
func (t *Terminal) Heed(sig syscall.Signal) {
	switch sig {
	case unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM:
		t.asked.Store(true)
	}
}

// Close copies what the jail has printed up to its end, and gives the caller's
// terminal back. It is called when the jail is gone. A slow reader is waited
// for, as by a bare command, until a signal asks for the end: signals tells
// [Terminal.Heed] of those that come until the descriptor over can be read.
func (t *Terminal) Close(signals func(over int)) {
	complete := t.finish(signals)
	t.mu.Lock()
	t.closing = true
	t.release()
	t.mu.Unlock()
	t.will.Revoke()
	unix.Close(t.wake[1])
	if complete {
		t.master.Close()
		<-t.output
	} else {
		go t.master.Close() // which waits for the one who is stuck
	}
	<-t.input
	unix.Close(t.wake[0])
}

// finish reports whether the output ends by itself; else its goroutine is stuck
// with a reader who takes nothing.
func (t *Terminal) finish(signals func(over int)) bool {
	var over [2]int
	if unix.Pipe2(over[:], unix.O_CLOEXEC) != nil {
		return t.outputEnds()
	}
	complete := make(chan bool, 1)
	go func() {
		complete <- t.outputEnds()
		unix.Close(over[1])
	}()
	signals(over[0])
	defer unix.Close(over[0])
	return <-complete
}

func (t *Terminal) outputEnds() bool {
	const look = 20 * time.Millisecond
	first := t.copied.Load()
	last, since := first, time.Now()
	for {
		select {
		case <-t.output:
			return true
		case <-time.After(look):
		}
		busy := !t.copying.TryLock()
		if !busy {
			t.copying.Unlock()
		}
		now := t.copied.Load()
		switch {
		case now-first > rest:
			return !busy
		case now != last:
			last, since = now, time.Now()
		case time.Since(since) < linger:
		case !busy:
			return true
		case t.asked.Load():
			return false
		}
	}
}
