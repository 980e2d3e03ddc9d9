package check

import (
	"net/netip"
	"slices"
	"strconv"

	"github.com/jailspawn/jailspawn/setup"
)

// maxConfine bounds the addresses of a jail: each is some instructions of each
// program.
const maxConfine = 64

// confined checks a jail that is held to addresses of the host.
func (c *checker) confined(p *setup.Plan) {
	n := &p.Network
	if len(n.Confine) == 0 {
		return
	}
	if len(n.Confine) > maxConfine {
		c.add("network.confine", "has "+strconv.Itoa(len(n.Confine))+" addresses, the limit is "+strconv.Itoa(maxConfine), "")
	}
	for i, text := range n.Confine {
		field := "network.confine[" + strconv.Itoa(i) + "]"
		a, err := netip.ParseAddr(text)
		switch {
		case err != nil:
			c.add(field, strconv.Quote(text)+" is no address", "write one as 192.0.2.1 or 2001:db8::1, without a prefix length")
		case a.Is4In6() || a.Zone() != "":
			c.add(field, text+" has a zone or is an IPv4 address within IPv6", "write the plain address")
		case a.IsUnspecified() || a.IsMulticast() || a.IsLinkLocalUnicast():
			c.add(field, text+" belongs to no single host on all its interfaces", "give an address that one interface has")
		case slices.Contains(n.Confine[:i], text):
			c.add(field, text+" stands twice", "")
		}
	}
	if !p.Shares(setup.NetNS) {
		c.add("network.confine", "holds a jail to addresses of the host, but this one has a network of its own", "share the network, or give addresses to an interface")
	}
	for _, name := range []string{"net_admin", "net_raw", "sys_admin", "bpf"} {
		if slices.Contains(p.Process.Capabilities, name) {
			c.add("network.confine", "can't hold a jail that keeps "+name, "leave out one of the two")
		}
	}
	if p.AllowUserns {
		c.add("network.confine", "can't hold a jail that makes namespaces of its own", "leave out --allow-userns")
	}
}
