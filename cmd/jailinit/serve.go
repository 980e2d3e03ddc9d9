package main

import (
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/reap"
	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/pty"
)

// serve takes what is asked of a named jail on its socket, as long as the jail
// lives. The socket lies in a directory of the jail's owner on the host; who
// connects from within is refused, as the answer could only be to do what the
// asker can do already.
func (j *jail) serve(payload int, others *reap.Children) {
	for {
		fd, _, err := unix.Accept4(j.plan.ListenFD(), unix.SOCK_CLOEXEC)
		switch err {
		case nil:
			go j.answer(&session{fd: fd, others: others}, payload)
		case unix.EINTR, unix.ECONNABORTED:
		case unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM:
			_ = unix.Nanosleep(&unix.Timespec{Nsec: 10e6}, nil)
		default:
			return
		}
	}
}

// A session is one connection to the socket.
type session struct {
	fd      int
	pending []byte // what was read and is no whole request yet
	fds     []int  // descriptors that came with it
	others  *reap.Children
}

func (j *jail) answer(s *session, payload int) {
	defer unix.Close(s.fd)
	defer func() { s.closeFDs() }()
	cred, err := unix.GetsockoptUcred(s.fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil || (cred.Pid != 0 && !j.plan.Shares(setup.PIDNS)) {
		return
	}
	request, err := s.next()
	if err == nil && request == nil {
		return
	}
	if err == nil {
		switch request.Kind {
		case setup.RequestExec:
			err = j.exec(s, request)
		case setup.RequestSignal:
			sig := unix.Signal(request.Signal)
			if err = setup.Fail("signal", "", unix.Kill(payload, sig)); err == nil {
				s.send(&setup.Event{Kind: setup.EventStarted})
			}
		}
	}
	if err != nil {
		s.send(&setup.Event{Kind: setup.EventFailed, Err: asError(err)})
	}
}

// exec runs a process under the payload's confinement and tells its end. It
// is killed with its group if the connection ends first.
func (j *jail) exec(s *session, r *setup.Request) error {
	if len(s.fds) < 3 || len(r.Argv) == 0 {
		return &setup.Error{Step: "exec", Detail: "the request has no command or no descriptors", Errno: unix.EPROTO}
	}
	p := j.plan.Process
	p.Argv, p.Env, p.Cwd, p.PassFDs = r.Argv, r.Env, r.Cwd, nil
	how, err := s.streams(&p, r.TTY)
	if err != nil {
		return err
	}
	pid, ended, err := s.others.Start(func() (int, error) {
		defer func() { _ = unix.Chdir("/") }()
		return j.start(&p, how)
	})
	if err != nil {
		return err
	}
	s.closeFDs()
	s.send(&setup.Event{Kind: setup.EventStarted})
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.forward(pid)
	}()
	status := <-ended
	s.send(&setup.Event{Kind: setup.EventExited, Status: uint32(status)})
	_ = unix.Shutdown(s.fd, unix.SHUT_RD) // wakes forward
	<-done
	return nil
}

// streams says what the process has as descriptors 0 to 2: those that came with
// the request, or a terminal of the jail's own in their place, whose master is
// handed out first.
func (s *session) streams(p *setup.Process, want setup.Terminal) (*syscall.ProcAttr, error) {
	how := &syscall.ProcAttr{Sys: &syscall.SysProcAttr{Setpgid: true}}
	for _, fd := range s.fds[:3] {
		how.Files = append(how.Files, uintptr(fd))
	}
	if want == setup.TerminalNever {
		return how, nil
	}
	master, slave, err := pty.Open(p.UID, p.GID)
	if err != nil {
		return nil, err
	}
	s.fds = append(s.fds, slave)
	event := &setup.Event{Kind: setup.EventTerminal}
	err = unix.Sendmsg(s.fd, event.Encode(), unix.UnixRights(master), nil, unix.MSG_NOSIGNAL)
	unix.Close(master)
	if err != nil {
		return nil, setup.Fail("terminal", "", err)
	}
	if r, err := s.next(); err != nil || r == nil || r.Kind != setup.RequestGo {
		return nil, &setup.Error{Step: "terminal", Detail: "nobody is at it", Errno: unix.EPIPE}
	}
	ctty := -1
	for i, fd := range s.fds[:3] {
		if want == setup.TerminalAlways || pty.IsTerminal(fd) {
			how.Files[i], ctty = uintptr(slave), i
		}
	}
	if ctty < 0 {
		return nil, &setup.Error{Step: "terminal", Detail: "none of the descriptors is one", Errno: unix.ENOTTY}
	}
	how.Sys = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: ctty}
	return how, nil
}

// forward passes signals to the session's process until the connection ends.
func (s *session) forward(pid int) {
	for {
		r, err := s.next()
		if err != nil || r == nil {
			s.others.Signal(pid, unix.SIGKILL, true)
			return
		}
		if r.Kind == setup.RequestSignal {
			s.others.Signal(pid, unix.Signal(r.Signal), false)
		}
	}
}

// next reads a request and keeps the descriptors that come with it. Nil without
// an error is the end of the connection.
func (s *session) next() (*setup.Request, error) {
	buf := make([]byte, 4096)
	oob := make([]byte, unix.CmsgSpace(4*3))
	for {
		r, rest, err := setup.DecodeRequest(s.pending)
		if r != nil || err != nil {
			s.pending = rest
			return r, err
		}
		n, oobn, _, _, err := unix.Recvmsg(s.fd, buf, oob, unix.MSG_CMSG_CLOEXEC)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return nil, err
		}
		s.pending = append(s.pending, buf[:n]...)
		fds, err := descriptors(oob[:oobn])
		if s.fds = append(s.fds, fds...); err != nil {
			return nil, err
		}
	}
}

// send answers. If nobody listens any more, reading will show it.
func (s *session) send(e *setup.Event) {
	_ = unix.Sendto(s.fd, e.Encode(), unix.MSG_NOSIGNAL, nil)
}

func (s *session) closeFDs() {
	for _, fd := range s.fds {
		unix.Close(fd)
	}
	s.fds = nil
}
