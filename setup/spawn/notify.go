package spawn

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// A notifier relays what the payload reports about its state (sd_notify(3)) to
// the service manager, to which it then comes from jailspawn, the process that
// it knows. What would be about other processes or descriptors is left out:
// MAINPID, FDSTORE, NOTIFYACCESS and the like.
type notifier struct {
	inside  *os.File
	outside int // a socket, -1 without a service manager
	manager unix.Sockaddr
	ready   func()
	done    chan struct{}
}

// passed are the assignments that concern the payload alone.
var passed = map[string]bool{
	"READY": true, "RELOADING": true, "STOPPING": true, "STATUS": true, "ERRNO": true, "BUSERROR": true,
	"WATCHDOG": true, "WATCHDOG_USEC": true, "EXTEND_TIMEOUT_USEC": true, "MONOTONIC_USEC": true, "BARRIER": true,
}

// managerSocket returns where NOTIFY_SOCKET points, nil if it isn't set.
func managerSocket() (unix.Sockaddr, error) {
	name := os.Getenv("NOTIFY_SOCKET")
	switch {
	case name == "":
		return nil, nil
	case name[0] != '/' && name[0] != '@':
		return nil, &setup.Error{Step: "notify", Detail: "NOTIFY_SOCKET=" + name + " is no socket of this machine", Errno: unix.EAFNOSUPPORT}
	}
	return &unix.SockaddrUnix{Name: name}, nil
}

// startNotify relays from the socket that jailinit made.
func (j *Jail) startNotify(fd int) error {
	_ = unix.SetNonblock(fd, true)
	n := &notifier{inside: os.NewFile(uintptr(fd), "notify"), outside: -1, ready: j.tellReady, done: make(chan struct{})}
	var err error
	if n.manager, err = managerSocket(); err == nil && n.manager != nil {
		n.outside, err = unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	}
	if err != nil {
		n.inside.Close()
		return setup.Fail("notify", "", err)
	}
	j.notify = n
	go n.relay()
	return nil
}

func (n *notifier) relay() {
	defer close(n.done)
	raw, err := n.inside.SyscallConn()
	if err != nil {
		return
	}
	for err == nil {
		err = raw.Read(func(fd uintptr) bool { return n.one(int(fd)) != unix.EAGAIN })
	}
}

// close relays what was sent before the jail ended.
func (n *notifier) close() {
	_ = n.inside.SetReadDeadline(time.Now())
	<-n.done
	if raw, err := n.inside.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) {
			for n.one(int(fd)) == nil {
			}
		})
	}
	n.inside.Close()
	closeFD(n.outside)
}

// maxNotify is the length up to which systemd reads a message.
const maxNotify = 4096

// one relays one message. Descriptors go along with a barrier alone, whose
// sender waits until the last copy is closed.
func (n *notifier) one(fd int) error {
	buf := make([]byte, maxNotify)
	oob := make([]byte, unix.CmsgSpace(4*setup.MaxControlFDs))
	size, oobn, flags, _, err := unix.Recvmsg(fd, buf, oob, unix.MSG_CMSG_CLOEXEC|unix.MSG_DONTWAIT)
	if err == unix.EINTR {
		return nil
	}
	if err != nil {
		return err
	}
	fds := rights(oob[:oobn])
	defer closeAll(fds)
	if flags&unix.MSG_TRUNC != 0 {
		return nil
	}
	message, ready, barrier := filterNotify(string(buf[:size]))
	if message != "" && n.manager != nil {
		var along []byte
		if barrier && len(fds) > 0 {
			along = unix.UnixRights(fds...)
		}
		_ = unix.Sendmsg(n.outside, []byte(message), along, n.manager, unix.MSG_NOSIGNAL)
	}
	if ready {
		n.ready()
	}
	return nil
}

func rights(oob []byte) (fds []int) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil
	}
	for i := range messages {
		if more, err := unix.ParseUnixRights(&messages[i]); err == nil {
			fds = append(fds, more...)
		}
	}
	return fds
}

// filterNotify leaves of a message what is passed on. To systemd a carriage return
// ends an assignment as well, so what stands behind one is none of the first.
func filterNotify(message string) (out string, ready, barrier bool) {
	for line := range strings.FieldsFuncSeq(message, func(r rune) bool { return r == '\n' || r == '\r' }) {
		name, value, _ := strings.Cut(line, "=")
		if !passed[name] && !strings.HasPrefix(name, "X_") {
			continue
		}
		out += line + "\n"
		ready = ready || (name == "READY" && value == "1")
		barrier = barrier || name == "BARRIER"
	}
	return out, ready, barrier
}
