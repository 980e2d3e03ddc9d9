package check

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/jailspawn/jailspawn/setup"
)

// maxLinkName is IFNAMSIZ less the NUL (netdevice(7)).
const maxLinkName = 15

func (c *checker) network(p *setup.Plan) {
	n := &p.Network
	c.ownNamespace(p)
	for i := range n.Interfaces {
		c.link(n, i)
	}
	for i, pub := range n.Publish {
		c.publish(n, pub, "network.publish["+strconv.Itoa(i)+"]")
	}
	if n.NAT && firstVeth(n) == nil {
		c.add("network.nat", "there is no veth interface", "it goes with --net veth; a bridge or macvlan is on a wire already")
	}
	if n.Filter != nil {
		c.filter(p)
	}
	for i, s := range n.Sysctls {
		c.sysctl(s, "network.sysctls["+strconv.Itoa(i)+"]")
	}
}

// ownNamespace refuses what would change a network that isn't the jail's.
func (c *checker) ownNamespace(p *setup.Plan) {
	n := &p.Network
	shared := p.Shares(setup.NetNS)
	for _, rule := range []struct {
		wrong        bool
		field, other string
	}{
		{shared && n.Join != "", "network.join", "the shared network"},
		{shared && n.User, "network.user", "the shared network"},
		{n.Join != "" && n.User, "network.user", "a joined network"},
		{len(n.Interfaces) > 0 && n.User, "network.user", "interfaces of another kind"},
		{len(n.Interfaces) > 0 && (shared || n.Join != ""), "network.interfaces", "a network that isn't the jail's own"},
		{n.Filter != nil && (shared || n.Join != ""), "network.filter", "a network that isn't the jail's own"},
		{len(n.Sysctls) > 0 && (shared || n.Join != ""), "network.sysctls", "a network that isn't the jail's own"},
	} {
		if rule.wrong {
			c.add(rule.field, "can't go with "+rule.other, "leave out one of the two")
		}
	}
	if n.Join != "" {
		c.absPath("network.join", n.Join)
	}
}

// linkModes are the ways in which interfaces of a kind share their parent.
func linkModes(k setup.InterfaceKind) []string {
	switch k {
	case setup.Macvlan:
		return []string{"bridge", "private"}
	case setup.IPvlan:
		return []string{"l2", "l3", "l3s"}
	}
	return nil
}

func (c *checker) link(n *setup.Network, index int) {
	i := &n.Interfaces[index]
	field := "network.interfaces[" + strconv.Itoa(index) + "]"
	if (i.Parent == "") != (i.Kind == setup.Veth) {
		c.add(field+".parent", "a "+string(i.Kind)+" and parent "+strconv.Quote(i.Parent)+" don't go together", "every kind but veth has a device of the host")
	}
	if !slices.Contains([]setup.InterfaceKind{setup.Veth, setup.Bridge, setup.Macvlan, setup.IPvlan, setup.NIC}, i.Kind) {
		c.add(field+".kind", "unknown kind "+strconv.Quote(string(i.Kind)), "known are veth bridge macvlan ipvlan nic")
	}
	if modes := linkModes(i.Kind); i.Mode != "" && !slices.Contains(modes, i.Mode) {
		hint := "a " + string(i.Kind) + " has none"
		if modes != nil {
			hint = "known for " + string(i.Kind) + " are " + strings.Join(modes, " ")
		}
		c.add(field+".mode", "unknown mode "+strconv.Quote(i.Mode), hint)
	}
	c.linkName(field+".name", i.Name)
	if i.Parent != "" {
		c.linkName(field+".parent", i.Parent)
	}
	for _, other := range n.Interfaces[:index] {
		if other.Name == i.Name {
			c.add(field+".name", i.Name+" stands twice", "name one with --ifname")
		}
	}
	if mac, err := net.ParseMAC(i.MAC); i.MAC != "" && (err != nil || len(mac) != 6 || mac[0]&1 != 0) {
		c.add(field+".mac", strconv.Quote(i.MAC)+" is not the hardware address of one device", "such as 02:00:00:00:00:01")
	}
	if i.MAC != "" && i.Kind == setup.IPvlan {
		c.add(field+".mac", "an ipvlan has its parent's", "leave it out, or take a macvlan")
	}
	if i.MTU != 0 && (i.MTU < 68 || i.MTU > 65535) {
		c.add(field+".mtu", strconv.FormatUint(uint64(i.MTU), 10)+" is out of range", "68 to 65535 bytes; IPv6 needs 1280")
	}
	c.addresses(n, index, field)
	c.routes(i, field)
}

func (c *checker) linkName(field, name string) {
	switch {
	case name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/: \t\n\x00%"):
		c.add(field, strconv.Quote(name)+" is no name of an interface", "")
	case len(name) > maxLinkName:
		c.add(field, strconv.Quote(name)+" is longer than the "+strconv.Itoa(maxLinkName)+" bytes of IFNAMSIZ", "shorten it")
	case name == "lo":
		c.add(field, "lo is the loopback interface", "choose another name")
	}
}

func (c *checker) addresses(n *setup.Network, index int, field string) {
	for k, text := range n.Interfaces[index].Addresses {
		at := field + ".addresses[" + strconv.Itoa(k) + "]"
		p, err := netip.ParsePrefix(text)
		if err != nil {
			hint := "such as 10.0.0.2/24 or fd00::2/64"
			if a, err := netip.ParseAddr(text); err == nil {
				c.add(at, text+" has no prefix length", "write "+text+"/"+map[bool]string{true: "64", false: "24"}[a.Is6()])
				continue
			}
			c.add(at, strconv.Quote(text)+" is no address with a prefix length", hint)
			continue
		}
		if a := p.Addr(); a.IsUnspecified() || a.IsMulticast() || a.IsLoopback() || a.Is4In6() || (a.Is4() && p.Bits() < 31 && a == p.Masked().Addr()) {
			c.add(at, text+" is not the address of one host", "")
		}
		for j := range n.Interfaces[:index+1] {
			for m, other := range n.Interfaces[j].Addresses {
				if o, err := netip.ParsePrefix(other); err == nil && o.Addr() == p.Addr() && (j < index || m < k) {
					c.add(at, p.Addr().String()+" stands twice", "")
				}
			}
		}
	}
}

func (c *checker) routes(i *setup.Interface, field string) {
	families := map[bool]bool{}
	for k, text := range i.Gateways {
		at := field + ".gateways[" + strconv.Itoa(k) + "]"
		g, err := netip.ParseAddr(text)
		switch {
		case err != nil || g.Zone() != "" || g.IsUnspecified() || g.IsMulticast() || g.IsLoopback():
			c.add(at, strconv.Quote(text)+" is not the address of a gateway", "such as 10.0.0.1, without a prefix length")
			continue
		case families[g.Is6()]:
			c.add(at, "two gateways for one family of addresses", "keep one; other ways are routes")
		case !i.Has(g.Is6()):
			c.add(at, text+" is of a family that the interface has no address of", "add one with --ip")
		case slices.ContainsFunc(i.Addresses, func(s string) bool { p, err := netip.ParsePrefix(s); return err == nil && p.Addr() == g }):
			c.add(at, text+" is the jail's own address", "")
		}
		families[g.Is6()] = true
	}
	for k, r := range i.Routes {
		at := field + ".routes[" + strconv.Itoa(k) + "]"
		to, err := netip.ParsePrefix(r.To)
		if err != nil || to != to.Masked() {
			c.add(at+".to", strconv.Quote(r.To)+" is not a prefix", "such as 10.1.0.0/16")
			continue
		}
		if via, err := netip.ParseAddr(r.Via); r.Via != "" && (err != nil || via.Is6() != to.Addr().Is6()) {
			c.add(at+".via", strconv.Quote(r.Via)+" is not the address of a router to "+r.To, "")
		}
	}
}
