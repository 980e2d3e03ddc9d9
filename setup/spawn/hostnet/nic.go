package hostnet

import (
	"errors"
	"os"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// A loan is a device of the host that a jail has.
type loan struct {
	saved *saved
	index int // its number in the jail
	jail  *netlink.Handle
	host  int      // the host's network namespace
	file  *os.File // the record on disk, locked; nil if there is none
}

// nic moves a device of the host into the jail. That takes some 30 ms, most of
// which the kernel waits. The device arrives bare; what it had is noted before,
// in memory and, for the case that this process is killed, on disk.
func (w *work) nic(l *link) error {
	device, err := w.parent(l)
	if err != nil {
		return err
	}
	if device.Attrs().MasterIndex != 0 || device.Type() == "bridge" {
		return l.fail(l.Parent+" is a bridge or a port of one", nil, "take it out of the bridge, or use --net bridge="+l.Parent)
	}
	saved, err := save(w.lender, w.hostID, device)
	if err != nil {
		return l.fail("note the state of "+l.Parent, err, "")
	}
	lent := &loan{saved: saved, host: -1}
	if lent.file, err = record(saved, saved.Name); err != nil {
		return l.fail("note the state of "+l.Parent, err, "")
	}
	w.loans = append(w.loans, lent)
	if lent.host, err = unix.FcntlInt(uintptr(w.hostNS), unix.F_DUPFD_CLOEXEC, 0); err != nil {
		return l.fail("", err, "")
	}
	if lent.jail, err = netlink.NewHandleAt(netns.NsHandle(w.jailNS), unix.NETLINK_ROUTE); err != nil {
		return l.fail("", err, "")
	}
	if err := w.lender.LinkSetNsFd(device, w.jailNS); err != nil {
		return l.fail("move "+l.Parent+" into the jail", err, immovableHint(err))
	}
	if err := w.dress(l, lent); err != nil {
		return err
	}
	// Only now, as the device took its addresses off the host.
	w.free(l)
	if err := w.host.do(); err != nil {
		return err
	}
	return l.refused
}

func immovableHint(err error) string {
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EOPNOTSUPP) {
		return "the kernel keeps this kind of device in its network namespace"
	}
	return ""
}

// dress gives a device that has arrived the name and numbers that it has in the
// jail.
func (w *work) dress(l *link, lent *loan) error {
	device, err := lent.jail.LinkByName(l.Parent)
	if err != nil {
		return l.fail("find "+l.Parent+" in the jail", noDevice(err), "")
	}
	lent.index = device.Attrs().Index
	l.index = lent.index
	if l.Name != l.Parent {
		if err := lent.jail.LinkSetName(device, l.Name); err != nil {
			return l.fail("rename "+l.Parent, err, "")
		}
	}
	if l.MAC != "" {
		if err := lent.jail.LinkSetHardwareAddr(device, l.mac()); err != nil {
			return l.fail("hardware address "+l.MAC, err, "")
		}
	}
	if l.MTU != 0 {
		if err := lent.jail.LinkSetMTU(device, int(l.MTU)); err != nil {
			return l.fail("MTU", err, "")
		}
	}
	return nil
}

// giveBack moves the device back to the host, as it was. The jail's namespace
// lives as long as the loan's socket in it.
func (b *loan) giveBack() error {
	defer b.close()
	if b.index == 0 {
		return nil // it never left
	}
	device, err := b.jail.LinkByIndex(b.index)
	if err == nil {
		err = b.moveBack(device)
	}
	if err != nil {
		return &setup.Error{Step: "network", Target: b.saved.Name, Detail: "give the device back to the host", Errno: errno(noDevice(err))}
	}
	return b.restore()
}

func (b *loan) moveBack(device netlink.Link) error {
	if err := b.jail.LinkSetDown(device); err != nil {
		return err
	}
	if device.Attrs().Name != b.saved.Name {
		if err := b.jail.LinkSetName(device, b.saved.Name); err != nil {
			return err
		}
	}
	return b.jail.LinkSetNsFd(device, b.host)
}

// restore gives the device its state again, in the host's network namespace.
func (b *loan) restore() error {
	host, err := netlink.NewHandleAt(netns.NsHandle(b.host), unix.NETLINK_ROUTE)
	if err != nil {
		return setup.Fail("network", b.saved.Name, err)
	}
	defer host.Close()
	device, err := host.LinkByName(b.saved.Name)
	if err == nil {
		err = b.saved.restore(host, device)
	}
	if err != nil {
		return &setup.Error{Step: "network", Target: b.saved.Name, Detail: "it is back, but not as it was: " + err.Error()}
	}
	return nil
}

func (b *loan) close() {
	if b.jail != nil {
		b.jail.Close()
	}
	if b.host >= 0 {
		unix.Close(b.host)
	}
	if b.file != nil {
		_ = os.Remove(b.file.Name())
		_ = b.file.Close()
	}
}
