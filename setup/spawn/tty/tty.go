// Package tty joins the caller's terminal to the terminal of a jail: it copies
// what is typed and printed, follows the size of the window, and keeps the
// caller's terminal in raw mode just as long as the jail has the use of it. It
// runs on the host and needs no privilege.
package tty

import (
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup/pty"
	"github.com/jailspawn/jailspawn/setup/spawn/will"
)

// A Terminal is the relay between the caller's terminal and that of a jail.
type Terminal struct {
	in, out int      // the caller's
	master  *os.File // the jail's
	size    int      // what has the size of the window, -1 if nothing has

	mu    sync.Mutex
	saved *unix.Termios // what to restore; nil if the caller's terminal isn't raw
	will  *will.Will    // and should we be killed; nil if in is no terminal

	copying sync.Mutex // held while output is copied
	kept    bool       // a return, which newlines keeps back
	copied  atomic.Int64
	asked   atomic.Bool // a signal asked for the end

	wake    [2]int // a pipe whose end ends the input
	input   chan struct{}
	output  chan struct{}
	closing bool
}

// New takes over master, the non-blocking descriptor of the jail's terminal,
// and gives that the modes and the size of the caller's, if in or out is one.
// Nothing is copied before Start.
func New(in, out, master int) (*Terminal, error) {
	t := &Terminal{
		in: in, out: out, master: os.NewFile(uintptr(master), "terminal"), size: -1,
		input: make(chan struct{}), output: make(chan struct{}),
	}
	err := unix.Pipe2(t.wake[:], unix.O_CLOEXEC)
	if err == nil && pty.IsTerminal(in) {
		t.will, err = will.Leave(in, -1)
	}
	if err != nil {
		t.master.Close()
		return nil, err
	}
	for _, fd := range []int{out, in} {
		if pty.IsTerminal(fd) {
			t.size = fd
		}
	}
	if modes, err := unix.IoctlGetTermios(t.size, unix.TCGETS); err == nil {
		_ = t.control(func(fd int) error { return unix.IoctlSetTermios(fd, unix.TCSETS, modes) })
	}
	t.Resize()
	return t, nil
}

// Start begins to copy, and makes the caller's terminal raw.
func (t *Terminal) Start() {
	t.Claim()
	go t.copyOutput()
	go t.copyInput()
}

// Resize gives the jail's terminal the size of the caller's window, upon which
// the kernel sends SIGWINCH inside; 24 lines of 80 where there is no window.
func (t *Terminal) Resize() {
	size, err := unix.IoctlGetWinsize(t.size, unix.TIOCGWINSZ)
	if err != nil {
		size = &unix.Winsize{Row: 24, Col: 80}
	}
	_ = t.control(func(fd int) error { return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, size) })
}

// Claim makes the caller's terminal raw and reports whether its keyboard is
// ours: in the background it is not, and we must not touch it.
func (t *Terminal) Claim() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closing || !pty.IsTerminal(t.in) {
		return !t.closing
	}
	if !Foreground(t.in) {
		t.forget()
		return false
	}
	if t.saved == nil {
		t.makeRaw()
	}
	return true
}

// makeRaw has the terminal pass on each key as it is (cfmakeraw(3)), and says
// so in the will before.
func (t *Terminal) makeRaw() {
	saved, err := unix.IoctlGetTermios(t.in, unix.TCGETS)
	if err != nil {
		return
	}
	raw := *saved
	raw.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	raw.Oflag &^= unix.OPOST
	raw.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	raw.Cflag = raw.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
	raw.Cc[unix.VMIN], raw.Cc[unix.VTIME] = 1, 0
	t.will.Terminal(&raw, saved)
	if unix.IoctlSetTermios(t.in, unix.TCSETS, &raw) == nil {
		t.saved = saved
		t.Resize()
	}
}

// Release gives the caller's terminal its modes back, until the next Claim. What
// the jail has printed comes before whatever the caller prints then.
func (t *Terminal) Release() {
	t.drain()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.release()
}

func (t *Terminal) release() {
	if t.saved != nil && Foreground(t.in) {
		_ = unix.IoctlSetTermios(t.in, unix.TCSETS, t.saved)
	}
	t.forget()
}

// forget leaves the terminal's modes to whoever has it.
func (t *Terminal) forget() {
	if t.saved != nil {
		t.will.Terminal(nil, nil)
	}
	t.saved = nil
}

// copyOutput ends when no process has the jail's terminal open (EIO).
func (t *Terminal) copyOutput() {
	defer close(t.output)
	defer func() {
		if t.kept {
			_ = writeAll(t.out, []byte{'\r'})
		}
	}()
	raw, err := t.master.SyscallConn()
	buf := make([]byte, 16<<10)
	for err == nil {
		readErr := raw.Read(func(fd uintptr) bool {
			t.copying.Lock()
			defer t.copying.Unlock()
			err = t.copySome(int(fd), buf)
			return err != unix.EAGAIN
		})
		if readErr != nil {
			return
		}
	}
}

// copySome reads once from the jail's terminal and writes what there is.
func (t *Terminal) copySome(fd int, buf []byte) error {
	n, err := unix.Read(fd, buf)
	switch {
	case err == unix.EINTR:
		return nil
	case err != nil:
		return err
	case n == 0:
		return io.EOF
	}
	t.Claim()
	err = writeAll(t.out, t.newlines(buf[:n]))
	t.copied.Add(int64(n))
	return err
}

// drain copies what has been printed, up to a moment in which nothing is. Where
// the caller's side takes no more, the rest has to wait.
func (t *Terminal) drain() {
	const moment, tries = 5, 20 // milliseconds
	buf := make([]byte, 16<<10)
	_ = t.control(func(fd int) error {
		for range tries {
			poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
			n, err := unix.Poll(poll, moment)
			if err == unix.EINTR {
				continue
			}
			if n == 0 || err != nil {
				return err
			}
			if !t.copying.TryLock() {
				time.Sleep(moment * time.Millisecond)
				continue
			}
			err = t.copySome(fd, buf)
			t.copying.Unlock()
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func writeAll(fd int, data []byte) error {
	for len(data) > 0 {
		n, err := unix.Write(fd, data)
		switch err {
		case nil:
			data = data[n:]
		case unix.EINTR:
		case unix.EAGAIN:
			_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, -1)
		default:
			return err
		}
	}
	return nil
}

// retry is how often the background looks whether the keyboard, on which
// something was typed, has become ours.
const retry = 200 // milliseconds

func (t *Terminal) copyInput() {
	defer close(t.input)
	buf := make([]byte, 4<<10)
	last := byte('\n')
	for t.wait(t.in, -1) {
		if !t.Claim() {
			if !t.wait(-1, retry) {
				return
			}
			continue
		}
		n, err := unix.Read(t.in, buf)
		if err == unix.EINTR || err == unix.EAGAIN {
			continue
		}
		if err != nil || n == 0 {
			t.endInput(last)
			return
		}
		last = buf[n-1]
		if _, err := t.master.Write(buf[:n]); err != nil {
			return
		}
	}
}

// wait blocks until fd can be read or the time is over, and reports false if
// the input has to end.
func (t *Terminal) wait(fd, milliseconds int) bool {
	for {
		poll := []unix.PollFd{{Fd: int32(t.wake[0]), Events: unix.POLLIN}, {Fd: int32(fd), Events: unix.POLLIN}}
		_, err := unix.Poll(poll, milliseconds)
		if err != unix.EINTR {
			return err == nil && poll[0].Revents == 0
		}
	}
}

// endInput types the end of file when the caller's input, no terminal itself,
// is at its end. Within a line the first one only ends the line.
func (t *Terminal) endInput(last byte) {
	eof := []byte{4}
	if last != '\n' {
		eof = []byte{4, 4}
	}
	_, _ = t.master.Write(eof)
}

// control runs f on the master's descriptor.
func (t *Terminal) control(f func(fd int) error) (err error) {
	raw, err := t.master.SyscallConn()
	if err == nil {
		ctlErr := raw.Control(func(fd uintptr) { err = f(int(fd)) })
		if ctlErr != nil {
			err = ctlErr
		}
	}
	return err
}

// Foreground reports whether fd is the controlling terminal of this process,
// and its process group the one that the keyboard belongs to.
func Foreground(fd int) bool {
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}
