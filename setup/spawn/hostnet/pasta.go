package hostnet

import (
	"os"
	"os/exec"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/spawn/named"
)

// ForwardedDNS is an address inside a jail on which pasta(1) answers for the
// host's name server.
const ForwardedDNS = "169.254.1.1"

// pasta connects the jail's network namespace through pasta(1), which makes an
// interface inside, gives it the host's addresses and copies what goes through
// it to and from sockets of its own. It needs no privilege. Nothing is led into
// the jail, and the host's loopback can't be reached from it.
func (a *Attachment) pasta(pid int) error {
	fail := func(detail string, err error, hint string) error {
		return &setup.Error{Step: "network", Target: "user", Detail: detail, Errno: errno(err), Hint: hint}
	}
	if os.Geteuid() == 0 {
		return fail("pasta is for an ordinary user", nil, "root has --net veth --ip 10.0.0.2/24 --gateway 10.0.0.1 --nat")
	}
	program, err := exec.LookPath("pasta")
	if err != nil {
		return fail("pasta is not installed", nil, "it comes with the package passt")
	}
	if err := unix.Access("/dev/net/tun", unix.R_OK|unix.W_OK); err != nil {
		return fail("/dev/net/tun", err, "pasta needs it: chmod 666 /dev/net/tun is the usual setting")
	}
	if _, err := Restore(); err != nil {
		return err
	}
	// pasta goes to the background when it is ready. It writes its process id
	// into memory of ours, its standard input.
	fd, err := unix.MemfdCreate("pasta", unix.MFD_CLOEXEC)
	if err != nil {
		return fail("", err, "")
	}
	memory := os.NewFile(uintptr(fd), "pasta")
	defer memory.Close()
	command := exec.Command(
		program, "--quiet", "--config-net", "--ns-ifname", "eth0", "--no-map-gw", "--dns-forward", ForwardedDNS,
		"--tcp-ports", "none", "--udp-ports", "none", "--tcp-ns", "none", "--udp-ns", "none",
		"--pid", "/proc/self/fd/0", strconv.Itoa(pid),
	)
	command.Stdin = memory
	said, err := command.CombinedOutput()
	if err != nil {
		return fail(strings.TrimSpace(string(said)+" "+err.Error()), nil, "")
	}
	text := make([]byte, 16)
	n, _ := unix.Pread(fd, text, 0)
	daemon, err := strconv.Atoi(strings.TrimSpace(string(text[:max(n, 0)])))
	if err != nil {
		return fail("pasta didn't tell its process id", nil, "")
	}
	process, err := named.Identify(daemon)
	if err == nil {
		a.daemon, err = process.Open()
	}
	if err != nil {
		return fail("pasta has ended", err, "")
	}
	a.running = true
	if a.record, err = record(process, pastaRecord+strconv.Itoa(daemon)); err != nil {
		return fail("note pasta's process", err, "")
	}
	return nil
}

// pastaRecord begins the names of the records of running pastas.
const pastaRecord = "pasta-"

// sweepPasta ends a pasta whose jailspawn was killed. It would go on for ever,
// and keep the jail's network namespace.
func sweepPasta(name string) error {
	process := new(named.Process)
	f, err := abandonedRecord(name, process)
	if f == nil || err != nil {
		return err
	}
	defer f.Close()
	if fd, err := process.Open(); err == nil {
		_ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
		unix.Close(fd)
	}
	return os.Remove(name)
}

// stopPasta ends it, as it keeps the jail's network namespace.
func (a *Attachment) stopPasta() {
	if !a.running {
		return
	}
	a.running = false
	_ = unix.PidfdSendSignal(a.daemon, unix.SIGKILL, nil, 0)
	_, _ = unix.Poll([]unix.PollFd{{Fd: int32(a.daemon), Events: unix.POLLIN}}, 1000)
	unix.Close(a.daemon)
	if a.record != nil {
		_ = os.Remove(a.record.Name())
		_ = a.record.Close()
	}
}
