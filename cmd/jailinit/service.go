package main

import (
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// notifySocket makes the socket that the payload reports its state to, and
// hands it to jailspawn. Its name is in a file system of the jail's own, so
// nobody outside can send to it.
func (j *jail) notifySocket() error {
	if !j.plan.Service.Notify {
		return nil
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return setup.Fail("notify", "", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: setup.NotifyPath}); err != nil {
		e := setup.Fail("notify", setup.NotifyPath, err).(*setup.Error)
		e.Hint = "the jail needs a writable directory there, as --tmpfs /run makes it"
		return e
	}
	if err := unix.Chmod(setup.NotifyPath, 0o666); err != nil {
		return setup.Fail("notify", setup.NotifyPath, err)
	}
	return send(setup.ControlNotify, fd)
}

// listenPID tells the payload its own process id in LISTEN_PID
// (sd_listen_fds(3)), as the sockets are meant for no other process. It runs in
// the second stage, which becomes the payload.
func (j *jail) listenPID(p *setup.Process) {
	if j.plan.Service.Listen > 0 {
		p.Env = append(p.Env, "LISTEN_PID="+strconv.Itoa(unix.Getpid()))
	}
}
