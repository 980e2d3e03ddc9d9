package hostnet

import (
	"errors"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// free refuses addresses that the host itself has.
func (w *work) free(l *link) error {
	for _, p := range l.prefixes() {
		routes, err := w.host.RouteGet(p.Addr().AsSlice())
		if err == nil && len(routes) > 0 && routes[0].Type == unix.RTN_LOCAL {
			return l.fail("address "+p.Addr().String()+" is taken by the host itself", nil, "give the jail another")
		}
	}
	return nil
}

// presetIPv6 sets what interfaces of the jail are born with: no IPv6 unless an
// address of it was asked for, no addresses or routes from strangers, and no
// wait for duplicate address detection, which takes 1.7 s.
func (w *work) presetIPv6(l *link) error {
	return quietIPv6(w.jailSys, "default", l.Has(true))
}

func quietIPv6(s settings, device string, used bool) error {
	if !used {
		return s.set6(device, "disable_ipv6", "1")
	}
	for _, v := range [][2]string{{"disable_ipv6", "0"}, {"accept_ra", "0"}, {"accept_dad", "0"}} {
		if err := s.set6(device, v[0], v[1]); err != nil {
			return err
		}
	}
	return nil
}

// configure gives the jail's interface its addresses and routes and brings it
// up.
func (w *work) configure(l *link) error {
	device, err := w.jail.LinkByName(l.Name)
	if err != nil {
		return l.fail("find it in the jail", noDevice(err), "")
	}
	for _, p := range l.prefixes() {
		if err := w.jail.AddrAdd(device, l.address(p)); err != nil {
			return l.fail("address "+p.String(), err, "")
		}
	}
	if err := w.jail.LinkSetUp(device); err != nil {
		return l.fail("bring it up", err, "")
	}
	w.settle(l, device.Attrs().Index)
	return w.routes(l, device.Attrs().Index)
}

// settle has the kernel notice at once that a pair is connected, which it does
// when it is asked about a link (Linux 6.8). Otherwise it takes its time: IPv6
// waits for it, and it is up to 1 s where both ends have the same number, as
// these look like no pair.
func (w *work) settle(l *link, index int) {
	if l.end == "" || (l.endIndex != index && !l.Has(true)) {
		return
	}
	_, _ = w.host.LinkByIndex(l.endIndex)
	_, _ = w.jail.LinkByIndex(index)
}

// address is one of the jail's. The wire of a veth pair ends at the host, so
// with a gateway there are no neighbours for whom to make a route.
func (l *link) address(p netip.Prefix) *netlink.Addr {
	a := &netlink.Addr{IPNet: ipNet(p), Flags: unix.IFA_F_NODAD}
	if l.Kind == setup.Veth && l.gateway(p.Addr().Is6()).IsValid() {
		a.Flags |= unix.IFA_F_NOPREFIXROUTE
	}
	return a
}

func (w *work) routes(l *link, index int) error {
	for _, g := range l.gateways() {
		if l.Kind == setup.Veth {
			direct := &netlink.Route{LinkIndex: index, Dst: ipNet(single(g)), Scope: scope(g)}
			if err := w.jail.RouteAdd(direct); err != nil {
				return l.fail("route to the gateway "+g.String(), err, "")
			}
		}
		everywhere := netip.PrefixFrom(unspecified(g), 0)
		if err := w.jail.RouteAdd(&netlink.Route{LinkIndex: index, Dst: ipNet(everywhere), Gw: g.AsSlice()}); err != nil {
			return l.fail("gateway "+g.String(), err, unreachableHint(err))
		}
	}
	for _, r := range l.Routes {
		to := netip.MustParsePrefix(r.To)
		route := &netlink.Route{LinkIndex: index, Dst: ipNet(to), Scope: scope(to.Addr())}
		if r.Via != "" {
			route.Gw = netip.MustParseAddr(r.Via).AsSlice()
			route.Scope = netlink.SCOPE_UNIVERSE
		}
		if err := w.jail.RouteAdd(route); err != nil {
			return l.fail("route "+r.To, err, unreachableHint(err))
		}
	}
	return nil
}

func unreachableHint(err error) string {
	if errors.Is(err, unix.ENETUNREACH) || errors.Is(err, unix.EHOSTUNREACH) {
		return "no address or earlier route of the interface leads there"
	}
	return ""
}

func unspecified(a netip.Addr) netip.Addr {
	if a.Is6() {
		return netip.IPv6Unspecified()
	}
	return netip.IPv4Unspecified()
}

// scope is that of a route onto the wire; IPv6 has none.
func scope(a netip.Addr) netlink.Scope {
	if a.Is6() {
		return netlink.SCOPE_UNIVERSE
	}
	return netlink.SCOPE_LINK
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
