package hostnet

import (
	"errors"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
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
	if err := w.claimWays(l); err != nil {
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
	if err := w.unclaimed(l); err != nil {
		return err
	}
	if err := quietIPv6(w.hostSys, l.end, false); err != nil {
		return err
	}
	w.host.up(l.endIndex, l.refuse("bring up the host's end"))
	return w.host.do()
}

// pair makes a veth pair (veth(4)), one end on the host and the other in the
// jail from the start, and learns the numbers of both.
func (w *work) pair(l *link, master int) error {
	w.free(l)
	s := w.host
	s.change(unix.RTM_NEWLINK, fresh, func(err error) error {
		return l.fail("make a veth pair", err, kernelHint(err, "veth"))
	})
	s.named(l.end)
	s.oneQueue()
	if l.MTU != 0 {
		s.word(unix.IFLA_MTU, l.MTU)
	}
	if master != 0 {
		s.word(unix.IFLA_MASTER, uint32(master))
	}
	s.kind("veth", func() {
		s.nest(nl.VETH_INFO_PEER, func() {
			s.named(l.Name)
			s.oneQueue()
			s.word(unix.IFLA_NET_NS_FD, uint32(w.jailNS))
			s.traits(l)
		})
	})
	var end seenLink
	s.look(0, l.end, l.refuse("find the host's end"), &end)
	if err := s.do(); err != nil {
		return err
	}
	l.endIndex, l.index = end.index, end.peer
	return l.refused
}

// oneQueue is what a pair uses. It would be made with one for each possible
// processor, and then wait for all of these to forget the others.
func (s *socket) oneQueue() {
	s.word(unix.IFLA_NUM_TX_QUEUES, 1)
	s.word(unix.IFLA_NUM_RX_QUEUES, 1)
}

// vlan makes a macvlan or ipvlan on a device of the host.
func (w *work) vlan(l *link) error {
	parent, err := w.parent(l)
	if err != nil {
		return err
	}
	w.free(l)
	s := w.host
	s.change(unix.RTM_NEWLINK, fresh, func(err error) error {
		hint := kernelHint(err, string(l.Kind))
		if err == unix.EINVAL && l.MTU > uint32(parent.Attrs().MTU) {
			hint = "the MTU of " + l.Parent + " is the largest possible"
		}
		return l.fail("make a "+string(l.Kind)+" on "+l.Parent, err, hint)
	})
	s.named(l.Name)
	s.word(unix.IFLA_NET_NS_FD, uint32(w.jailNS))
	s.word(unix.IFLA_LINK, uint32(parent.Attrs().Index))
	s.kind(string(l.Kind), func() { s.mode(l) })
	s.traits(l)
	if err := s.do(); err != nil {
		return err
	}
	if l.refused != nil {
		return l.refused
	}
	var device seenLink
	w.jail.look(0, l.Name, l.refuse("find it in the jail"), &device)
	if err := w.jail.do(); err != nil {
		return err
	}
	l.index = device.index
	return nil
}

// mode is how a macvlan or ipvlan shares its parent.
func (s *socket) mode(l *link) {
	if l.Kind == setup.IPvlan {
		modes := map[string]netlink.IPVlanMode{"": netlink.IPVLAN_MODE_L2, "l2": netlink.IPVLAN_MODE_L2, "l3": netlink.IPVLAN_MODE_L3, "l3s": netlink.IPVLAN_MODE_L3S}
		s.value(nl.IFLA_IPVLAN_MODE, nl.Uint16Attr(uint16(modes[l.Mode]))...)
		return
	}
	mode := uint32(nl.MACVLAN_MODE_BRIDGE)
	if l.Mode == "private" {
		mode = nl.MACVLAN_MODE_PRIVATE
	}
	s.word(nl.IFLA_MACVLAN_MODE, mode)
}

// parent finds the device of the host that the plan names.
func (w *work) parent(l *link) (netlink.Link, error) {
	device, err := w.host.find(l.Parent)
	if err != nil {
		return nil, l.fail("parent "+l.Parent, err, "ip link lists the devices there are")
	}
	return device, nil
}

// find looks a link up by its name. The error is ENODEV if there is none.
func (s *socket) find(name string) (device netlink.Link, err error) {
	bad := error(unix.ENODEV)
	s.ask(unix.RTM_GETLINK, func(err error) error { return err }, func(data []byte) {
		device, bad = netlink.LinkDeserialize(nil, data)
	})
	s.named(name)
	if err := s.do(); err != nil {
		return nil, err
	}
	return device, bad
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

// refuse says that the kernel refused a request, for [socket.change].
func (l *link) refuse(what string) func(error) error {
	return func(err error) error { return l.fail(what, err, "") }
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
