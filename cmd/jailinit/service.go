package main

import (
	"strconv"
	"syscall"

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

// A listener is how the payload finds its own process id in LISTEN_PID
// (sd_listen_fds(3)), which stands in its environment before it exists: the id
// is chosen (ns_last_pid of pid_namespaces(7)), and the payload forked next.
type listener struct {
	file int // the host's ns_last_pid; whose it sets, the kernel decides by the writer
	pid  int // chosen for the payload
}

// openLastPID opens the host's file while it can be reached.
func (j *jail) openLastPID() (err error) {
	if j.plan.Service.Listen == 0 {
		return nil
	}
	const file = "/proc/sys/kernel/ns_last_pid"
	j.listener = &listener{pid: firstChoice}
	j.listener.file, err = unix.Open(file, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	return setup.Fail("listen", file, err)
}

// The ids that are tried lie above those of jailinit's own threads.
const firstChoice, lastChoice = 100, 200

// errTaken says that another thread of jailinit was born between choice and
// fork, and got the id.
var errTaken = &setup.Error{Step: "listen", Detail: "no process id stays free for the payload"}

// choosePID needs CAP_CHECKPOINT_RESTORE.
func (j *jail) choosePID() error {
	if j.listener == nil {
		return nil
	}
	j.listener.pid++
	_, err := unix.Write(j.listener.file, strconv.AppendInt(nil, int64(j.listener.pid-1), 10))
	return setup.Fail("listen", "ns_last_pid", err)
}

// again reports whether a failed start is worth another one.
func (l *listener) again(err error) bool {
	return err == errTaken && l.pid < lastChoice
}

// fork starts the payload. If its id isn't the chosen one, it is killed before
// it has come far.
func (l *listener) fork(program string, argv []string, attr *syscall.ProcAttr) (int, error) {
	attr.Env = append(attr.Env[:len(attr.Env):len(attr.Env)], "LISTEN_PID="+strconv.Itoa(l.pid))
	pid, err := syscall.ForkExec(program, argv, attr)
	if err == nil && pid != l.pid {
		_ = unix.Kill(pid, unix.SIGKILL)
		_, _ = unix.Wait4(pid, nil, 0, nil)
		err = errTaken
	}
	return pid, err
}
