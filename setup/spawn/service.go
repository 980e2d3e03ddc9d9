package spawn

import (
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/pty"
	"github.com/jailspawn/jailspawn/setup/spawn/catch"
	"github.com/jailspawn/jailspawn/setup/spawn/tty"
)

// wantsTerminal settles whether the payload gets a terminal of the jail's own.
func wantsTerminal(t setup.Terminal, o *Options) setup.Terminal {
	in, out := int(fdOf(o.Stdin, 0)), int(fdOf(o.Stdout, 1))
	if t == setup.TerminalAuto && !(pty.IsTerminal(in) && pty.IsTerminal(out)) {
		return setup.TerminalNever
	}
	return t
}

// receive takes what jailinit opens inside for us to use: the jail's terminal,
// its notification socket. If jailinit ends before, its last event tells why.
func (j *Jail) receive(p *setup.Plan, o *Options) error {
	want := 0
	if p.Process.Terminal != setup.TerminalNever {
		want++
	}
	if p.Service.Notify {
		want++
	}
	for range want {
		what, fds, err := j.receiveOne()
		if err != nil || fds == nil {
			return err
		}
		switch what {
		case setup.ControlTerminal:
			err = j.attach(fds[0], o)
		case setup.ControlNotify:
			err = j.startNotify(fds[0])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// receiveOne takes one message with one to three descriptors. There are none if
// jailinit is gone.
func (j *Jail) receiveOne() (setup.Control, []int, error) {
	var message [1]byte
	oob := make([]byte, unix.CmsgSpace(4*3))
	for {
		n, oobn, _, _, err := unix.Recvmsg(j.control, message[:], oob, unix.MSG_CMSG_CLOEXEC)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return 0, nil, nil // jailinit is gone
		}
		messages, err := unix.ParseSocketControlMessage(oob[:oobn])
		if err != nil || len(messages) != 1 {
			return 0, nil, setup.Fail("control", "", unix.EPROTO)
		}
		fds, err := unix.ParseUnixRights(&messages[0])
		if err != nil || len(fds) == 0 {
			return 0, nil, setup.Fail("control", "", unix.EPROTO)
		}
		return setup.Control(message[0]), fds, nil
	}
}

// attach joins the jail's terminal to the caller's and lets jailinit go on.
func (j *Jail) attach(master int, o *Options) error {
	t, err := tty.New(int(fdOf(o.Stdin, 0)), int(fdOf(o.Stdout, 1)), master)
	if err != nil {
		return setup.Fail("terminal", "", err)
	}
	t.Start()
	j.terminal.Store(t)
	_ = unix.Sendto(j.control, []byte{byte(setup.ControlTerminal)}, unix.MSG_NOSIGNAL, nil)
	return nil
}

// prepareService looks at the descriptor that is told when the payload is
// ready, and writes the file with our process id: what is wrong with them shows
// before the payload runs.
func prepareService(s *setup.Service) error {
	if s.ReadyFD > 0 {
		if _, err := unix.FcntlInt(uintptr(s.ReadyFD), unix.F_GETFD, 0); err != nil {
			return &setup.Error{Step: "ready", Target: strconv.Itoa(s.ReadyFD), Errno: unix.EBADF, Hint: "--ready-fd names one that is open in jailspawn", Status: setup.StatusMisuse}
		}
		unix.CloseOnExec(s.ReadyFD)
	}
	if s.PIDFile == "" {
		return nil
	}
	return setup.Fail("pid file", s.PIDFile, writePIDFile(s.PIDFile))
}

// writePIDFile replaces the file at once, as others may be reading it.
func writePIDFile(name string) error {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	_, err = f.WriteString(pidLine())
	if err == nil {
		err = f.Chmod(0o644)
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

func pidLine() string { return strconv.Itoa(os.Getpid()) + "\n" }

// removePIDFile removes it unless another has written it since.
func removePIDFile(name string) {
	if name == "" {
		return
	}
	if data, err := os.ReadFile(name); err == nil && string(data) == pidLine() {
		os.Remove(name)
	}
}

// serviceRuns does what is to be done when the payload runs its program.
func (j *Jail) serviceRuns() {
	if !j.asked.Service.Notify {
		j.tellReady()
	}
	if j.letGo && j.terminal.Load() == nil {
		letGo()
	}
}

// letGo puts /dev/null on descriptors 0 and 1. What the payload does with its
// own is then what the other ends of their pipes see.
func letGo() {
	null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return // they stay open until the jail ends
	}
	for fd := range 2 {
		if !pty.IsTerminal(fd) {
			_ = unix.Dup2(null, fd)
		}
	}
	unix.Close(null)
}

// tellReady reports that the payload is ready, once.
func (j *Jail) tellReady() {
	j.readyOnce.Do(func() {
		if fd := j.asked.Service.ReadyFD; fd > 0 {
			_, _ = unix.Write(fd, []byte{'\n'})
			unix.Close(fd)
		}
		if j.report != nil {
			j.report(&Report{Event: ReportReady})
		}
	})
}

// endService is called when the jail is gone: it passes on what is under way.
func (j *Jail) endService() {
	if t := j.terminal.Load(); t != nil {
		t.Close(func(over int) { catch.Wait(over, &j.signals, t.Heed) })
	}
	if j.notify != nil {
		j.notify.close()
	}
	removePIDFile(j.asked.Service.PIDFile)
}
