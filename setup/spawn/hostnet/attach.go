// Package hostnet is the host's half of a jail's network: it makes the jail's
// interfaces, or moves them in, gives them addresses and routes, and keeps the
// rules on the host that belong to them.
//
// It needs CAP_NET_ADMIN over the caller's network namespace, CAP_SYS_ADMIN to
// look into the jail's, and so root, or a network namespace of the caller's
// own. What it makes is freed by the kernel when the jail and the calling
// process end, in whatever way; devices that were moved in are moved back by
// [Attachment.Close].
package hostnet

import (
	"errors"
	"os"
	"runtime"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// An Attachment is what the host holds for a running jail. It is nil for a jail
// that needs nothing.
type Attachment struct {
	network *setup.Network

	held  []int // descriptors that keep tables, ports and names
	loans []*loan

	daemon  int // pidfd of pasta(1)
	running bool
	record  *os.File // of the running pasta, locked
}

// Attach makes the plan's interfaces in the network namespace of the process
// pid, to which pidfd refers, and what belongs to them on the host. An
// attachment that comes with an error holds what was made until then.
//
// Devices are born in the jail: to make one on the host and move it takes
// thirty times as long, as the kernel waits for every processor to forget it.
func Attach(n *setup.Network, pid, pidfd int) (*Attachment, error) {
	a := &Attachment{network: n}
	if n.User {
		return a, a.pasta(pid)
	}
	return a, a.attach(pidfd)
}

// attach looks into the jail's network namespace from this thread, which is in
// its own otherwise. The rules come first: there is never an interface without
// its own.
func (a *Attachment) attach(pidfd int) error {
	w, err := newWork(a)
	defer w.close()
	if err == nil {
		err = w.claimAddresses()
	}
	if err == nil {
		err = w.guard()
	}
	if err == nil {
		err = w.enter(pidfd)
	}
	if err != nil {
		return err
	}
	for i := range w.links {
		if err := w.add(&w.links[i]); err != nil {
			return err
		}
	}
	return nil
}

// Close gives back what jails were lent and frees what the host holds. The
// kernel removes the other devices, later, when the last process of the jail's
// network namespace is gone.
func (a *Attachment) Close() (err error) {
	if a == nil {
		return nil
	}
	a.stopPasta()
	for _, b := range a.loans {
		err = errors.Join(err, b.giveBack())
	}
	a.loans = nil
	for _, fd := range a.held {
		unix.Close(fd)
	}
	a.held = nil
	return err
}

// enterForGood takes the calling goroutine into a network namespace, on a
// thread of its own that ends with it.
func enterForGood(ns int) error {
	runtime.LockOSThread()
	return setup.Fail("network", "", unix.Setns(ns, unix.CLONE_NEWNET))
}

// work is what it takes to attach a jail. Names in the namespaces of host and
// jail are looked up by descriptors and sockets that were opened in each.
type work struct {
	*Attachment
	host, jail       *socket
	lender           *netlink.Handle // of the host, if a device is moved; else nil
	hostSys, jailSys settings
	jailNS, hostNS   int
	hostID           uint64 // tells the host's namespace from others
	probe            int    // an unbound socket of the host's namespace
	links            []link
}

// A link is one interface on its way into the jail.
type link struct {
	*setup.Interface
	index     int    // its number in the jail
	end       string // name of the host's end, unique for every start
	endIndex  int    // its number; 0 if there is none
	published bool   // ports of the host lead here
	refused   error  // one of its addresses is the host's
	ways      []way  // where the host's way to its addresses leads
}

func newWork(a *Attachment) (w *work, err error) {
	n := a.network
	w = &work{Attachment: a, hostSys: noSettings, jailSys: noSettings, jailNS: -1, hostNS: -1, probe: -1}
	for i := range n.Interfaces {
		l := link{Interface: &n.Interfaces[i], published: len(n.Publish) > 0}
		if err := w.name(&l); err != nil {
			return w, err
		}
		w.links = append(w.links, l)
	}
	if w.hostNS, err = openNS(); err != nil {
		return w, err
	}
	if w.hostID, err = namespaceID(w.hostNS); err != nil {
		return w, err
	}
	if n.Lends() {
		if err := w.lend(); err != nil {
			return w, err
		}
	}
	if w.probe, err = datagramSocket(); err != nil {
		return w, err
	}
	if w.hostSys, err = openSettings(); err != nil {
		return w, err
	}
	w.host, err = openSocket(make([]byte, 8<<10))
	return w, err
}

// lend prepares for devices that move.
func (w *work) lend() error {
	if _, err := Restore(); err != nil {
		return err
	}
	var err error
	w.lender, err = netlink.NewHandle(unix.NETLINK_ROUTE)
	return setup.Fail("network", "", err)
}

// openNS opens this thread's network namespace.
func openNS() (int, error) {
	fd, err := unix.Open(ownNS, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	return fd, setup.Fail("network", ownNS, err)
}

const ownNS = "/proc/thread-self/ns/net"

// name chooses the name of the host's end and claims it.
func (w *work) name(l *link) (err error) {
	if l.Kind != setup.Veth && l.Kind != setup.Bridge {
		return nil
	}
	if l.end, err = unusedName(); err != nil {
		return err
	}
	fd, err := datagramSocket()
	if err != nil {
		return err
	}
	w.held = append(w.held, fd)
	return setup.Fail("network", l.end, claim(fd, l.end))
}

// enter opens in the jail's network namespace what belongs to it.
func (w *work) enter(pidfd int) error {
	return w.within(pidfd, func() (err error) {
		if w.jailNS, err = openNS(); err != nil {
			return err
		}
		if w.jailSys, err = openSettings(); err != nil {
			return err
		}
		w.jail, err = openSocket(w.host.buf)
		return err
	})
}

// within calls f while this thread is in another network namespace. A thread
// that can't go back stays locked, so that nobody else is led there.
func (w *work) within(ns int, f func() error) error {
	runtime.LockOSThread()
	if err := unix.Setns(ns, unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return setup.Fail("network", "", err)
	}
	err := f()
	if back := unix.Setns(w.hostNS, unix.CLONE_NEWNET); back != nil {
		return setup.Fail("network", "back to the host's namespace", back)
	}
	runtime.UnlockOSThread()
	return err
}

func (w *work) close() {
	w.hostSys.close()
	w.jailSys.close()
	for _, fd := range []int{w.jailNS, w.hostNS, w.probe} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
	w.host.close()
	w.jail.close()
	if w.lender != nil {
		w.lender.Close()
	}
}

// linkPrefix begins the names of the host's ends.
const linkPrefix = "jv"

// unusedName returns a name for a device on the host. The kernel keeps a dead
// jail's names for some 30 ms, so none is used again.
func unusedName() (string, error) {
	const digits = "0123456789abcdef"
	var random [6]byte
	if _, err := unix.Getrandom(random[:], 0); err != nil {
		return "", setup.Fail("network", "", err)
	}
	name := []byte(linkPrefix)
	for _, b := range random {
		name = append(name, digits[b>>4], digits[b&15])
	}
	return string(name), nil
}
