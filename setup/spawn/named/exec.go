package named

import (
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// Exec is a process to be run in a running jail, under the confinement of its
// payload: same namespaces, cgroup, ids, capabilities, filters and limits.
type Exec struct {
	Argv []string
	Env  []string // the whole environment
	Cwd  string   // inside; empty means "/"

	// Stdin, Stdout and Stderr are the process's; nil means this process's own.
	Stdin, Stdout, Stderr *os.File

	// Signals are forwarded to the process as long as it runs.
	Signals chan os.Signal
}

// Exec runs a process in the jail and returns its wait status: that of
// SIGKILL, if the jail ended before. The process is killed, with its process
// group, when this one ends before it.
func (j *Jail) Exec(x *Exec) (syscall.WaitStatus, error) {
	c, err := j.dial()
	if err != nil {
		return 0, err
	}
	defer c.close()
	r := &setup.Request{Kind: setup.RequestExec, Argv: x.Argv, Env: x.Env, Cwd: x.Cwd}
	if err := c.send(r, []int{fdOf(x.Stdin, 0), fdOf(x.Stdout, 1), fdOf(x.Stderr, 2)}); err != nil {
		return 0, err
	}
	stop := make(chan struct{})
	defer close(stop)
	for {
		e, err := c.next()
		switch {
		case err != nil:
			return 0, err
		case e == nil:
			return syscall.WaitStatus(unix.SIGKILL), nil
		case e.Kind == setup.EventFailed:
			return 0, &e.Err
		case e.Kind == setup.EventExited:
			return syscall.WaitStatus(e.Status), nil
		case e.Kind == setup.EventStarted && x.Signals != nil:
			go c.forward(x.Signals, stop)
		}
	}
}

func fdOf(f *os.File, standard int) int {
	if f == nil {
		return standard
	}
	return int(f.Fd())
}

// A conn is a connection to process 1 of a jail.
type conn struct {
	fd      int
	pending []byte
}

// dial connects to the jail's socket.
func (j *Jail) dial() (*conn, error) {
	if j.Build != setup.Build {
		return nil, &setup.Error{Step: "name", Target: j.Name, Detail: "the jail was started by build " + j.Build + ", this is " + setup.Build, Hint: "use the jailspawn that started it; jailspawn kill -s KILL works always"}
	}
	entry, err := j.dir.root.OpenRoot(j.Name)
	if err != nil {
		return nil, j.gone()
	}
	defer entry.Close()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, setup.Fail("socket", "", err)
	}
	err = j.dir.inEntry(entry, func(dir string) error {
		return unix.Connect(fd, &unix.SockaddrUnix{Name: dir + "/" + socketFile})
	})
	if err != nil {
		unix.Close(fd)
		if err == unix.ECONNREFUSED || err == unix.ENOENT {
			return nil, j.gone()
		}
		return nil, setup.Fail("socket", j.Name, err)
	}
	return &conn{fd: fd}, nil
}

func (c *conn) close() { unix.Close(c.fd) }

// send sends a request; descriptors go with its first byte.
func (c *conn) send(r *setup.Request, fds []int) error {
	data, err := r.Encode()
	if err != nil {
		return err
	}
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	for len(data) > 0 {
		n, err := unix.SendmsgN(c.fd, data, rights, nil, unix.MSG_NOSIGNAL)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EPIPE || err == unix.ECONNRESET:
			return nil // the answer, or its lack, tells more
		case err != nil:
			return setup.Fail("socket", "", err)
		}
		data, rights = data[n:], nil
	}
	return nil
}

// next reads an answer. Nil without an error is the end of the jail.
func (c *conn) next() (*setup.Event, error) {
	buf := make([]byte, 512)
	for {
		e, rest, err := setup.DecodeEvent(c.pending)
		if e != nil || err != nil {
			c.pending = rest
			return e, err
		}
		n, err := unix.Read(c.fd, buf)
		switch {
		case err == unix.EINTR:
		case n == 0 || err == unix.ECONNRESET:
			return nil, nil
		case err != nil:
			return nil, setup.Fail("socket", "", err)
		default:
			c.pending = append(c.pending, buf[:n]...)
		}
	}
}

// forward passes signals on until stop is closed.
func (c *conn) forward(signals <-chan os.Signal, stop <-chan struct{}) {
	for {
		select {
		case s := <-signals:
			if sig, ok := s.(syscall.Signal); ok {
				_ = c.send(&setup.Request{Kind: setup.RequestSignal, Signal: uint32(sig)}, nil)
			}
		case <-stop:
			return
		}
	}
}

func decimal(n int) string { return strconv.Itoa(n) }
