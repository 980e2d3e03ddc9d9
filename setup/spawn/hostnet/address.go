package hostnet

import (
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// presetIPv6 sets what interfaces of the jail are born with: no IPv6 unless an
// address of it was asked for, no addresses or routes from strangers, and no
// wait for duplicate address detection, which takes 1.7 s.
func (w *work) presetIPv6(l *link) error {
	return quietIPv6(w.jailSys, "default", l.Has(true))
}

func quietIPv6(s settings, device string, used bool) error {
	if !used {
		return s.set(device, "disable_ipv6", "1")
	}
	for _, v := range [][2]string{{"disable_ipv6", "0"}, {"accept_ra", "0"}, {"accept_dad", "0"}} {
		if err := s.set(device, v[0], v[1]); err != nil {
			return err
		}
	}
	return nil
}

// configure gives the jail's interface its addresses and routes and brings it
// up.
func (w *work) configure(l *link) error {
	for _, p := range l.prefixes() {
		w.jail.address(l.index, p, l.addressFlags(p), l.refuse("address "+p.String()))
	}
	w.jail.up(l.index, l.refuse("bring it up"))
	if w.slow(l) {
		if err := w.settle(l); err != nil {
			return err
		}
	}
	w.routes(l)
	return w.jail.do()
}

// slow reports whether the kernel would take its time to notice that a pair is
// connected: IPv6 waits for it, and it is up to 1 s where both ends have the
// same number, as these look like no pair.
func (w *work) slow(l *link) bool {
	return l.end != "" && (l.endIndex == l.index || l.Has(true))
}

// settle has the kernel notice at once, which it does when it is asked about a
// link (Linux 6.8).
func (w *work) settle(l *link) error {
	if err := w.jail.do(); err != nil {
		return err
	}
	var seen seenLink
	w.host.look(l.endIndex, "", nil, &seen)
	w.jail.look(l.index, "", nil, &seen)
	return w.host.do()
}

// addressFlags are those of one of the jail's addresses. The wire of a veth pair
// ends at the host, so with a gateway there are no neighbours for whom to make
// a route.
func (l *link) addressFlags(p netip.Prefix) uint32 {
	if l.Kind == setup.Veth && l.gateway(p.Addr().Is6()).IsValid() {
		return unix.IFA_F_NOPREFIXROUTE
	}
	return 0
}

func (w *work) routes(l *link) {
	for _, g := range l.gateways() {
		if l.Kind == setup.Veth {
			w.jail.route(route{index: l.index, to: single(g)}, unix.NLM_F_EXCL, l.refuse("route to the gateway "+g.String()))
		}
		everywhere := netip.PrefixFrom(unspecified(g), 0)
		w.jail.route(route{index: l.index, to: everywhere, via: g}, unix.NLM_F_EXCL, l.unreachable("gateway "+g.String()))
	}
	for _, r := range l.Routes {
		to := route{index: l.index, to: netip.MustParsePrefix(r.To)}
		if r.Via != "" {
			to.via = netip.MustParseAddr(r.Via)
		}
		w.jail.route(to, unix.NLM_F_EXCL, l.unreachable("route "+r.To))
	}
}

// unreachable says that a route was refused, and why that may be.
func (l *link) unreachable(what string) func(error) error {
	return func(err error) error {
		hint := ""
		if err == unix.ENETUNREACH || err == unix.EHOSTUNREACH {
			hint = "no address or earlier route of the interface leads there"
		}
		return l.fail(what, err, hint)
	}
}

func unspecified(a netip.Addr) netip.Addr {
	if a.Is6() {
		return netip.IPv6Unspecified()
	}
	return netip.IPv4Unspecified()
}
