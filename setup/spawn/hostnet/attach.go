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
// pid, and what belongs to them on the host. By doors it gets what
// [setup.ControlDoors] brings. An attachment that comes with an error holds what
// was made until then.
//
// Devices are born in the jail: to make one on the host and move it takes
// thirty times as long, as the kernel waits for every processor to forget it.
func Attach(n *setup.Network, pid int, doors func() ([]int, error)) (*Attachment, error) {
	a := &Attachment{network: n}
	if n.User {
		return a, a.pasta(pid)
	}
	return a, a.attach(doors)
}

// attach makes the rules first, before the jail is there: no interface is ever
// without its own.
func (a *Attachment) attach(doors func() ([]int, error)) error {
	w, err := newWork(a)
	defer w.close()
	if err == nil {
		err = w.claimAddresses()
	}
	if err == nil {
		err = w.guard()
	}
	if err == nil {
		err = w.enter(doors)
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

// enter takes what leads into the jail's network namespace.
func (w *work) enter(doors func() ([]int, error)) error {
	fds, err := doors()
	if err != nil {
		return err
	}
	for i, fd := range fds {
		switch i {
		case 0:
			w.jail = &socket{fd: fd, buf: w.host.buf}
		case 1:
			w.jailNS = fd
		case 2:
			w.jailSys = settings(fd)
		}
	}
	if w.jailNS < 0 {
		return setup.Fail("network", "", unix.EPROTO)
	}
	return nil
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
