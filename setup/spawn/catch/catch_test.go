package catch

import (
	"os"
	"os/exec"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Each signal comes as its number, and goes back to its owner when it is over.
func TestSignalsComeAsBytes(t *testing.T) {
	list := []syscall.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGTERM, unix.SIGUSR1, unix.SIGSEGV, unix.SIGWINCH, 35, 64}
	before := make(chan os.Signal, 1)
	signal.Notify(before, unix.SIGUSR1)
	defer signal.Stop(before)
	s, err := Start(list)
	if err != nil {
		t.Fatal(err)
	}
	for _, sig := range list {
		if err := unix.Kill(unix.Getpid(), sig); err != nil {
			t.Fatal(err)
		}
		var b [2]byte
		if n, err := readByte(s.FD(), b[:]); err != nil || n != 1 || b[0] != byte(sig) {
			t.Fatalf("signal %d: read %v, %v", sig, b[:max(n, 0)], err)
		}
	}
	s.Stop()
	if err := unix.Kill(unix.Getpid(), unix.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	if sig := <-before; sig != unix.SIGUSR1 {
		t.Errorf("after the end: %v", sig)
	}
}

func readByte(fd int, b []byte) (int, error) {
	for {
		n, err := unix.Read(fd, b)
		if err != unix.EINTR {
			return n, err
		}
	}
}

// What the program does wrong itself stays a fault of its own.
func TestFaultsAreNotCaught(t *testing.T) {
	s, err := Start([]syscall.Signal{unix.SIGSEGV, unix.SIGBUS, unix.SIGFPE})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if recover() == nil {
			t.Error("a nil pointer was read without a panic")
		}
	}()
	var p *[4]int
	_ = p[os.Getpid()%4]
}

// A signal that the caller ignores stays ignored.
func TestIgnoredStaysIgnored(t *testing.T) {
	if os.Getenv("CATCH_IGNORED") == "" {
		c := exec.Command("/bin/sh", "-c", `trap "" HUP; exec "$0" -test.run TestIgnoredStaysIgnored -test.v`, os.Args[0])
		c.Env = append(os.Environ(), "CATCH_IGNORED=1")
		out, err := c.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "looked") {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	s, err := Start([]syscall.Signal{unix.SIGHUP, unix.SIGUSR2})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	for _, sig := range []syscall.Signal{unix.SIGHUP, unix.SIGUSR2} {
		if err := unix.Kill(unix.Getpid(), sig); err != nil {
			t.Fatal(err)
		}
	}
	var b [1]byte
	if _, err := readByte(s.FD(), b[:]); err != nil || b[0] != byte(unix.SIGUSR2) {
		t.Errorf("read %d, %v", b[0], err)
	}
	t.Log("looked")
}
