package hostnet

import (
	"errors"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// add makes one interface in the jail and configures it.
func (w *work) add(l *link) error {
	if err := w.presetIPv6(l); err != nil {
		return err
	}
	if err := w.create(l); err != nil {
		return err
	}
	// Only now, as a device that was moved took its addresses off the host.
	if err := w.free(l); err != nil {
		return err
	}
	return w.configure(l)
}

func (w *work) create(l *link) error {
	switch l.Kind {
	case setup.Veth:
		return w.veth(l)
	case setup.Bridge:
		return w.port(l)
	case setup.Macvlan, setup.IPvlan:
		return w.vlan(l)
	case setup.NIC:
		return w.nic(l)
	}
	return l.fail("unknown kind "+string(l.Kind), nil, "")
}

// veth makes a pair for which the host routes.
func (w *work) veth(l *link) error {
	if err := w.pair(l, 0); err != nil {
		return err
	}
	return w.hostEnd(l)
}

// port makes a pair whose host end is a port of a bridge; the port itself has
// no address.
func (w *work) port(l *link) error {
	bridge, err := w.parent(l)
	if err != nil {
		return err
	}
	if bridge.Type() != "bridge" {
		return l.fail(l.Parent+" is a "+bridge.Type()+" device and no bridge", nil, "make one: ip link add NAME type bridge")
	}
	if err := w.pair(l, bridge.Attrs().Index); err != nil {
		return err
	}
	if err := w.hostSys.set6(l.end, "disable_ipv6", "1"); err != nil {
		return err
	}
	return w.hostUp(l)
}

// pair makes a veth pair (veth(4)), one end on the host and the other in the
// jail from the start.
func (w *work) pair(l *link, master int) error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = l.end
	attrs.MTU = int(l.MTU)
	attrs.MasterIndex = master
	pair := netlink.NewVeth(attrs)
	pair.PeerName = l.Name
	pair.PeerHardwareAddr = l.mac()
	pair.PeerMTU = l.MTU
	pair.PeerNamespace = netlink.NsFd(w.jailNS)
	if err := w.host.LinkAdd(pair); err != nil {
		return l.fail("make a veth pair", err, kernelHint(err, "veth"))
	}
	return nil
}

// vlan makes a macvlan or ipvlan on a device of the host.
func (w *work) vlan(l *link) error {
	parent, err := w.parent(l)
	if err != nil {
		return err
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name = l.Name
	attrs.MTU = int(l.MTU)
	attrs.HardwareAddr = l.mac()
	attrs.ParentIndex = parent.Attrs().Index
	attrs.Namespace = netlink.NsFd(w.jailNS)
	var device netlink.Link = &netlink.IPVlan{LinkAttrs: attrs, Mode: netlink.IPVLAN_MODE_L2}
	if l.Kind == setup.Macvlan {
		mode := netlink.MACVLAN_MODE_BRIDGE
		if l.Mode == "private" {
			mode = netlink.MACVLAN_MODE_PRIVATE
		}
		device = &netlink.Macvlan{LinkAttrs: attrs, Mode: netlink.MacvlanMode(mode)}
	}
	if err := w.host.LinkAdd(device); err != nil {
		hint := kernelHint(err, string(l.Kind))
		if errors.Is(err, unix.EINVAL) && l.MTU > uint32(parent.Attrs().MTU) {
			hint = "the MTU of " + l.Parent + " is the largest possible"
		}
		return l.fail("make a "+string(l.Kind)+" on "+l.Parent, err, hint)
	}
	return nil
}

// parent finds the device of the host that the plan names.
func (w *work) parent(l *link) (netlink.Link, error) {
	device, err := w.host.LinkByName(l.Parent)
	if err != nil || device.Attrs().Index <= 0 {
		return nil, l.fail("parent "+l.Parent, noDevice(err), "ip link lists the devices there are")
	}
	return device, nil
}

func noDevice(err error) error {
	if _, missing := err.(netlink.LinkNotFoundError); missing {
		return unix.ENODEV
	}
	return err
}

func (l *link) mac() net.HardwareAddr {
	mac, _ := net.ParseMAC(l.MAC) // the plan was checked; empty is none
	return mac
}

// prefixes returns the addresses of the link, which the plan's check has
// parsed before.
func (l *link) prefixes() []netip.Prefix {
	list := make([]netip.Prefix, len(l.Addresses))
	for i, a := range l.Addresses {
		list[i] = netip.MustParsePrefix(a)
	}
	return list
}

func (l *link) gateways() []netip.Addr {
	list := make([]netip.Addr, len(l.Gateways))
	for i, a := range l.Gateways {
		list[i] = netip.MustParseAddr(a)
	}
	return list
}

// gateway returns the next hop for a family of addresses; it may be invalid.
func (l *link) gateway(is6 bool) netip.Addr {
	for _, g := range l.gateways() {
		if g.Is6() == is6 {
			return g
		}
	}
	return netip.Addr{}
}

// fail says what went wrong with an interface. A cause that says so already
// stays as it is.
func (l *link) fail(detail string, cause error, hint string) error {
	var told *setup.Error
	if errors.As(cause, &told) {
		return told
	}
	e := &setup.Error{Step: "network", Target: l.Name, Detail: detail, Hint: hint}
	if cause != nil && !errors.As(cause, &e.Errno) {
		e.Detail += ": " + cause.Error()
	}
	return e
}

// kernelHint explains what the kernel answers to a kind that it doesn't have.
func kernelHint(err error, kind string) string {
	if errors.Is(err, unix.EOPNOTSUPP) {
		return "this kernel has no " + kind
	}
	return ""
}
