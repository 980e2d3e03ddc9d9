package hostnet

import (
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/nft/table"
)

// tablePrefix begins the names of all our tables.
const tablePrefix = "jailspawn-"

// JailRules is the filter of a jail whose interfaces are on a wire of others:
// it lies in the jail's own network namespace. It is empty if nothing is to be
// filtered there.
func JailRules(n *setup.Network) []byte {
	if n.Filter == nil || !filtersInside(n) {
		return nil
	}
	b := table.NewBatch(tablePrefix+"filter", table.Both)
	policy(b, n.Filter, false)
	b.Base("output", table.Sent)
	b.Rule("output", table.To("lo"), table.Accept())
	b.Rule("output", table.Goto("policy"))
	if len(n.Filter.Accept) > 0 {
		b.Base("input", table.Received)
		b.Rule("input", table.From("lo"), table.Accept())
		neighbours(b, "input")
		b.Rule("input", table.Answer(), table.Accept())
		peers(b, "input", n.Filter.Accept, table.Source)
		refuse(b, "input")
	}
	return b.Bytes()
}

// filtersInside reports whether the jail has a wire that doesn't end at the
// host, where the rules would be out of the jail's reach.
func filtersInside(n *setup.Network) bool {
	for i := range n.Interfaces {
		if n.Interfaces[i].Kind != setup.Veth {
			return true
		}
	}
	return n.User
}

// hostRules is the table of the jail's veth interfaces on the host.
func hostRules(n *setup.Network, links []link) []byte {
	b := table.NewBatch(tablePrefix+links[0].end, families(links))
	// What lies beyond the host is open, and not the host itself.
	beyond := n.NAT && (n.Filter == nil || n.Filter.Open)
	policy(b, n.Filter, beyond)
	b.Base("arriving", table.Arriving)
	b.Base("passing", table.Passing)
	for i := range links {
		arriving(b, &links[i])
	}
	for i := range links {
		passing(b, n.Filter, &links[i])
	}
	if n.NAT || len(n.Publish) > 0 {
		translate(b, n, links)
	}
	return b.Bytes()
}

// Hooks returns whose packets the table on the host sees that a jail will have,
// or 0 where there will be none; see [early.Init.UseHooks].
func Hooks(n *setup.Network) table.Family {
	var pairs []link
	for i := range n.Interfaces {
		if l := (link{Interface: &n.Interfaces[i]}); l.Kind == setup.Veth {
			pairs = append(pairs, l)
		}
	}
	if len(pairs) == 0 {
		return 0
	}
	return families(pairs)
}

// families are those of the links' addresses. A link without an address of IPv6
// has no IPv6, at either end. A table of one family takes half as many hooks,
// and the kernel rewrites its code for each that comes into use.
func families(links []link) table.Family {
	for i := range links {
		if links[i].Has(true) {
			return table.Both
		}
	}
	return table.IPv4
}

// policy decides on what the jail sends: answers pass, then the filter's lists
// count. beyond opens what is none of the host's addresses.
func policy(b *table.Batch, f *setup.Filter, beyond bool) {
	b.Chain("policy")
	neighbours(b, "policy")
	b.Rule("policy", table.Answer(), table.Accept())
	if f != nil {
		for _, p := range f.Deny {
			for _, m := range match(p, table.Destination) {
				reject(b, "policy", m)
			}
		}
		peers(b, "policy", f.Allow, table.Destination)
	}
	if beyond {
		reject(b, "policy", table.ToHost())
	}
	if beyond || (f != nil && f.Open) {
		b.Rule("policy", table.Accept())
		return
	}
	refuse(b, "policy")
}

// arriving lets a link send from its own addresses only, and never to the
// host's 127.0.0.0/8, which published ports make reachable for the kernel.
func arriving(b *table.Batch, l *link) {
	from := table.From(l.end)
	b.Rule("arriving", from, table.Destination(netip.MustParsePrefix("127.0.0.0/8")), table.Drop())
	neighbours(b, "arriving", from)
	for _, p := range l.prefixes() {
		b.Rule("arriving", from, table.Source(single(p.Addr())), table.Goto("policy"))
	}
	b.Rule("arriving", from, table.Drop())
}

// passing lets others connect to the addresses of a link as the filter says.
// What the host itself sends doesn't come here, and what arrives for a published
// port is for an address of the host yet.
func passing(b *table.Batch, f *setup.Filter, l *link) {
	chain := "to-" + l.end
	b.Chain(chain)
	for _, p := range l.prefixes() {
		b.Rule("passing", table.NotFrom(l.end), table.Destination(single(p.Addr())), table.Goto(chain))
	}
	neighbours(b, chain)
	b.Rule(chain, table.Answer(), table.Accept())
	if f != nil {
		peers(b, chain, f.Accept, table.Source)
	}
	refuse(b, chain)
}

// translate changes addresses: those of published ports to the jail's, and the
// jail's to the host's.
func translate(b *table.Batch, n *setup.Network, links []link) {
	b.Base("nat-in", table.NATIn)
	b.Base("nat-local", table.NATLocal)
	b.Base("nat-out", table.NATOut)
	for _, p := range n.Publish {
		for _, to := range targets(p, links) {
			m := append(table.Protocol(protocolNumber(p.Protocol)), table.Port(p.Port)...)
			m = append(m, published(p, to)...)
			m = append(m, table.Redirect(netip.AddrPortFrom(to, p.JailPort))...)
			b.Rule("nat-in", m)
			b.Rule("nat-local", m)
		}
	}
	for i := range links {
		l := &links[i]
		if len(n.Publish) > 0 {
			// The host's own 127.0.0.1 means nothing in the jail, and a jail
			// that calls itself by the host would get answers from itself.
			b.Rule("nat-out", table.To(l.end), table.Source(netip.MustParsePrefix("127.0.0.0/8")), table.Masquerade())
		}
		for _, p := range l.prefixes() {
			own := table.Source(single(p.Addr()))
			if n.NAT {
				b.Rule("nat-out", table.NotTo(l.end), own, table.Masquerade())
			}
			if len(n.Publish) > 0 {
				b.Rule("nat-out", table.To(l.end), own, table.Masquerade())
			}
		}
	}
}

// targets are the addresses of the jail to which a port is published: the
// first of each family that fits.
func targets(p setup.Publish, links []link) []netip.Addr {
	var list []netip.Addr
	want, _ := netip.ParseAddr(p.Address)
	for _, is6 := range []bool{false, true} {
		if want.IsValid() && want.Is6() != is6 {
			continue
		}
		for _, prefix := range links[0].prefixes() {
			if a := prefix.Addr(); a.Is6() == is6 {
				list = append(list, a)
				break
			}
		}
	}
	return list
}

// published matches the host's addresses of a published port.
func published(p setup.Publish, to netip.Addr) table.Match {
	if p.Address != "" {
		return table.Destination(single(netip.MustParseAddr(p.Address)))
	}
	return append(table.Destination(netip.PrefixFrom(unspecified(to), 0)), table.ToHost()...)
}

// neighbours lets a chain pass what IPv6 can't do without.
func neighbours(b *table.Batch, chain string, m ...table.Match) {
	if b.Has6() {
		b.Rule(chain, append(m, table.Neighbour(), table.Accept())...)
	}
}

// peers accepts what the list names; where says which of a packet's addresses
// is the peer's.
func peers(b *table.Batch, chain string, list []setup.Peer, where func(netip.Prefix) table.Match) {
	for _, p := range list {
		for _, m := range match(p, where) {
			b.Rule(chain, m, table.Accept())
		}
	}
}

// match returns a match for each protocol that a peer stands for.
func match(p setup.Peer, where func(netip.Prefix) table.Match) []table.Match {
	var base table.Match
	if p.Net != "" {
		base = where(netip.MustParsePrefix(p.Net))
	}
	protocols := []string{p.Protocol}
	if p.Protocol == "" {
		if p.Port == 0 {
			return []table.Match{base}
		}
		protocols = []string{"tcp", "udp"}
	}
	var list []table.Match
	for _, name := range protocols {
		m := append(append(table.Match(nil), base...), table.Protocol(protocolNumber(name))...)
		if p.Port != 0 {
			m = append(m, table.Port(p.Port)...)
		}
		list = append(list, m)
	}
	return list
}

// refuse ends a chain: nothing hangs, TCP least of all.
func refuse(b *table.Batch, chain string) { reject(b, chain, nil) }

func reject(b *table.Batch, chain string, m table.Match) {
	b.Rule(chain, m, table.Protocol(unix.IPPROTO_TCP), table.Reset())
	b.Rule(chain, m, b.Unreachable())
}

func protocolNumber(name string) byte {
	if name == "udp" {
		return unix.IPPROTO_UDP
	}
	return unix.IPPROTO_TCP
}

func single(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }
