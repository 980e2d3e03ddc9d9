package named

import (
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/pty"
	"github.com/jailspawn/jailspawn/setup/spawn/catch"
	"github.com/jailspawn/jailspawn/setup/spawn/tty"
)

// Exec is a process to be run in a running jail, under the confinement of its
// payload: same namespaces, cgroup, ids, capabilities, filters and limits.
type Exec struct {
	Argv []string
	Env  []string // the whole environment
	Cwd  string   // inside; empty means "/"

	// Stdin, Stdout and Stderr are the process's; nil means this process's own.
	Stdin, Stdout, Stderr *os.File

	// Terminal says which of them a terminal of the jail's own replaces, whose
	// other end is then joined to Stdin and Stdout.
	Terminal setup.Terminal

	// Signals is a descriptor that gives the numbers of the signals to forward
	// to the process, one byte each; see package catch. 0 means none. Before the
	// process runs, which the payload may prevent, SIGHUP, SIGINT, SIGQUIT and
	// SIGTERM give it up.
	Signals int
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
	in, out := fdOf(x.Stdin, 0), fdOf(x.Stdout, 1)
	want := x.Terminal
	if want == setup.TerminalAuto && !(pty.IsTerminal(in) && pty.IsTerminal(out)) {
		want = setup.TerminalNever
	}
	r := &setup.Request{Kind: setup.RequestExec, Argv: x.Argv, Env: x.Env, Cwd: x.Cwd, TTY: want}
	if err := c.send(r, []int{in, out, fdOf(x.Stderr, 2)}); err != nil {
		return 0, err
	}
	c.signals = x.Signals
	defer func() {
		if c.terminal != nil {
			c.terminal.Close(func(over int) { catch.Wait(over, &c.signals, c.terminal.Heed) })
		}
	}()
	for {
		e, err := c.next()
		switch {
		case err != nil:
			return 0, err
		case e == nil && c.givenUp != 0:
			return syscall.WaitStatus(c.givenUp), nil
		case e == nil:
			return syscall.WaitStatus(unix.SIGKILL), nil
		case e.Kind == setup.EventFailed:
			return 0, &e.Err
		case e.Kind == setup.EventExited:
			return syscall.WaitStatus(e.Status), nil
		case e.Kind == setup.EventTerminal:
			err = c.attach(in, out)
		case e.Kind == setup.EventStarted:
			c.begin()
		}
		if err != nil {
			return 0, err
		}
	}
}

// attach joins the jail's terminal to the caller's and lets the process start.
func (c *conn) attach(in, out int) (err error) {
	if c.master < 0 {
		return &setup.Error{Step: "terminal", Errno: unix.EPROTO}
	}
	if c.terminal, err = tty.New(in, out, c.master); err != nil {
		return setup.Fail("terminal", "", err)
	}
	c.terminal.Start()
	return c.send(&setup.Request{Kind: setup.RequestGo}, nil)
}

func fdOf(f *os.File, standard int) int {
	if f == nil {
		return standard
	}
	return int(f.Fd())
}

// A conn is a connection to process 1 of a jail.
type conn struct {
	fd       int
	pending  []byte
	master   int           // of a terminal that came, or -1
	terminal *tty.Terminal // nil without
	signals  int           // where those to be passed on come from, or 0
	running  bool
	early    []syscall.Signal // came before
	givenUp  syscall.Signal   // upon which the process was given up, or 0
}

// dial connects to the jail's socket.
func (j *Jail) dial() (*conn, error) {
	if j.Build != setup.Build {
		return nil, &setup.Error{Step: "name", Target: j.Name, Detail: "the jail was started by build " + j.Build + ", this is " + setup.Build, Hint: "use the jailspawn that started it; jailspawn kill -s KILL works always"}
	}
	if j.Paused() {
		return nil, &setup.Error{Step: "name", Target: j.Name, Detail: "the jail is paused", Hint: "jailspawn resume " + j.Name}
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
	return &conn{fd: fd, master: -1}, nil
}

func (c *conn) close() { unix.Close(c.fd) }

// limit makes an answer that doesn't come in a time above 0 the error EAGAIN.
func (c *conn) limit(t time.Duration) error {
	tv := unix.NsecToTimeval(t.Nanoseconds())
	return setup.Fail("socket", "", unix.SetsockoptTimeval(c.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv))
}

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
	oob := make([]byte, unix.CmsgSpace(4))
	for {
		e, rest, err := setup.DecodeEvent(c.pending)
		if e != nil || err != nil {
			c.pending = rest
			return e, err
		}
		catch.Wait(c.fd, &c.signals, c.forward)
		n, oobn, _, _, err := unix.Recvmsg(c.fd, buf, oob, unix.MSG_CMSG_CLOEXEC)
		if messages, bad := unix.ParseSocketControlMessage(oob[:oobn]); bad == nil && len(messages) == 1 {
			if fds, bad := unix.ParseUnixRights(&messages[0]); bad == nil && len(fds) == 1 {
				c.master = fds[0]
			}
		}
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

// begin passes on what came before the process ran.
func (c *conn) begin() {
	c.running = true
	for _, sig := range c.early {
		c.forward(sig)
	}
	c.early = nil
}

// forward passes a signal on. Before the process runs one that ends programs
// ends the connection.
func (c *conn) forward(sig syscall.Signal) {
	if !c.running {
		switch sig {
		case unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM:
			c.givenUp = sig
			_ = unix.Shutdown(c.fd, unix.SHUT_RDWR)
		}
		c.early = append(c.early, sig)
		return
	}
	if c.terminal != nil {
		c.terminal.Heed(sig)
	}
	if c.terminal != nil && sig == unix.SIGWINCH {
		c.terminal.Resize() // and the kernel tells the process
		return
	}
	if c.terminal != nil && sig == unix.SIGCONT {
		c.terminal.Claim()
	}
	_ = c.send(&setup.Request{Kind: setup.RequestSignal, Signal: uint32(sig)}, nil)
}

func decimal(n int) string { return strconv.Itoa(n) }
