package tests

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A manager receives what a service reports, as systemd does.
type manager struct {
	t    *testing.T
	conn *net.UnixConn
	name string
	from int32 // who sent the last message
}

func newManager(t *testing.T) *manager {
	name := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	_ = raw.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_PASSCRED, 1) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &manager{t: t, conn: conn, name: name}
}

func (m *manager) next() string {
	m.t.Helper()
	buf, oob := make([]byte, 4096), make([]byte, 4096)
	_ = m.conn.SetReadDeadline(time.Now().Add(6 * patience))
	n, oobn, _, _, err := m.conn.ReadMsgUnix(buf, oob)
	if err != nil {
		m.t.Fatal(err)
	}
	messages, err := syscall.ParseSocketControlMessage(oob[:oobn])
	if err != nil || len(messages) == 0 {
		m.t.Fatal("no credentials: ", err)
	}
	for i := range messages {
		if cred, err := syscall.ParseUnixCredentials(&messages[i]); err == nil {
			m.from = cred.Pid
		}
		fds, _ := syscall.ParseUnixRights(&messages[i])
		for _, fd := range fds {
			syscall.Close(fd) // the sender of a barrier waits for it
		}
	}
	return string(buf[:n])
}

const service = `
import os, signal, socket, sys, http.server
def notify(text):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.sendto(text.encode(), os.environ["NOTIFY_SOCKET"])
def stop(*_):
    notify("STOPPING=1\nSTATUS=leaving")
    os._exit(0)
signal.signal(signal.SIGTERM, stop)
if "LISTEN_PID" in os.environ:
    assert os.environ["LISTEN_PID"] == str(os.getpid()), (os.environ["LISTEN_PID"], os.getpid())
    assert os.environ["LISTEN_FDS"] == "1" and os.environ["LISTEN_FDNAMES"] == "web"
    server = http.server.HTTPServer(("", 0), http.server.SimpleHTTPRequestHandler, bind_and_activate=False)
    server.socket = socket.socket(fileno=3)
notify("MAINPID=1\nSTATUS=starting\nFDSTORE=1")
notify("READY=1\nSTATUS=running")
notify("WATCHDOG=1")
notify("STATUS=a\rMAINPID=1\rX_B=c\rFDSTORE=1")
print(os.environ.get("WATCHDOG_USEC"), flush=True)
if "LISTEN_PID" in os.environ: server.serve_forever()
signal.pause()
`

func TestNotify(t *testing.T) {
	m := newManager(t)
	c := jail(t, "--notify", "--", "python3", "-c", service)
	c.Env = append(os.Environ(), "NOTIFY_SOCKET="+m.name, "WATCHDOG_USEC=5000000")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"STATUS=starting\n", "READY=1\nSTATUS=running\n", "WATCHDOG=1\n", "STATUS=a\nX_B=c\n"} {
		if got := m.next(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if int(m.from) != c.Process.Pid {
			t.Errorf("the message comes from process %d, not from jailspawn", m.from)
		}
	}
	if line, _ := bufio.NewReader(out).ReadString('\n'); line != "5000000\n" {
		t.Errorf("WATCHDOG_USEC is %q inside", line)
	}
	signal(t, c, syscall.SIGTERM)
	if got := m.next(); got != "STOPPING=1\nSTATUS=leaving\n" {
		t.Errorf("got %q", got)
	}
	if end := finish(c); end != "" {
		t.Error(end)
	}
}

// activate runs a command as a service manager does that has opened its
// socket: descriptor 3, and its own process id in LISTEN_PID.
func activate(t *testing.T, l *net.TCPListener, argv ...string) *exec.Cmd {
	file, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	c := exec.Command("sh", append([]string{"-c", `LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=web exec "$@"`, "sh"}, argv...)...)
	c.ExtraFiles = []*os.File{file}
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return c
}

func TestSocketActivation(t *testing.T) {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	m := newManager(t)
	run := jail(t, "--listen-fds", "--notify", "--", "python3", "-c", service)
	c := activate(t, l, run.Args...)
	c.Env = append(os.Environ(), "NOTIFY_SOCKET="+m.name)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	for got := ""; !strings.HasPrefix(got, "READY=1"); {
		got = m.next()
	}
	reply, err := (&http.Client{Timeout: patience}).Get(fmt.Sprintf("http://%s/", l.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	if page, err := io.ReadAll(reply.Body); err != nil || !strings.Contains(string(page), "Directory listing") {
		t.Errorf("%v %s", err, page)
	}
	signal(t, c, syscall.SIGTERM)
	if end := finish(c); end != "" {
		t.Error(end)
	}
}

// The process id in LISTEN_PID is right every time.
func TestListenPID(t *testing.T) {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	run := jail(t, "--listen-fds", "--", "sh", "-c", `[ $LISTEN_PID = $$ ] && [ $LISTEN_FDS = 1 ] && [ -S /proc/self/fd/3 ]`)
	for range 50 {
		if err := activate(t, l, run.Args...).Run(); err != nil {
			t.Fatal(err)
		}
	}
	for _, flag := range []string{"--pass-fd", "--ready-fd"} {
		for fd := 3; fd < 12; fd++ { // its own, where the caller's are closed
			if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 {
				continue // from whoever runs the tests
			}
			out, err := jail(t, flag, strconv.Itoa(fd), "--", "true").CombinedOutput()
			if err == nil || !strings.Contains(string(out), "bad file descriptor") {
				t.Errorf("%s %d: %v %s", flag, fd, err, out)
			}
		}
	}
	if out, err := jail(t, "--listen-fds", "--", "true").CombinedOutput(); err == nil || !strings.Contains(string(out), "no sockets by activation") {
		t.Errorf("%v %s", err, out)
	}
}

func TestReadyAndPIDFile(t *testing.T) {
	for _, notify := range []bool{false, true} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "pid")
		args := []string{"--ready-fd", "3", "--pid-file", file, "--", "sleep", "1000"}
		if notify {
			args = append([]string{"--notify"}, append(args[:5], "python3", "-c", strings.Replace(service, "notify(\"READY", "import time; time.sleep(0.3); print('said', flush=True); notify(\"READY", 1))...)
		}
		c := jail(t, args...)
		c.ExtraFiles = []*os.File{w}
		c.Env = os.Environ()
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		w.Close()
		_ = r.SetReadDeadline(time.Now().Add(patience))
		if got, err := io.ReadAll(r); err != nil || string(got) != "\n" {
			t.Errorf("notify %v: %q %v", notify, got, err)
		}
		if notify {
			if line, _ := bufio.NewReader(out).ReadString('\n'); line != "said\n" {
				t.Error("ready before it said so")
			}
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != strconv.Itoa(c.Process.Pid)+"\n" {
			t.Errorf("pid file: %q %v", got, err)
		}
		signal(t, c, syscall.SIGTERM)
		_ = finish(c)
		if _, err := os.Stat(file); err == nil {
			t.Error("the pid file is left")
		}
	}
}
