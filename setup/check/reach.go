package check

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/jailspawn/jailspawn/setup"
)

// firstVeth is the interface to which ports are published.
func firstVeth(n *setup.Network) *setup.Interface {
	for i := range n.Interfaces {
		if n.Interfaces[i].Kind == setup.Veth {
			return &n.Interfaces[i]
		}
	}
	return nil
}

func (c *checker) publish(n *setup.Network, p setup.Publish, field string) {
	if p.Port == 0 || p.JailPort == 0 {
		c.add(field, "port 0 is no port", "1 to 65535")
	}
	if p.Protocol != "tcp" && p.Protocol != "udp" {
		c.add(field+".protocol", "unknown protocol "+strconv.Quote(p.Protocol), "known are tcp and udp")
	}
	a, err := netip.ParseAddr(p.Address)
	switch {
	case p.Address == "":
	case err != nil || a.IsUnspecified() || a.Zone() != "":
		c.add(field+".address", strconv.Quote(p.Address)+" is no address of the host", "leave it out for every one")
		return
	case a.Is6() && a.IsLoopback():
		c.add(field+".address", "the kernel leads nothing away from ::1", "publish on 127.0.0.1 or on an address of an interface")
	}
	i := firstVeth(n)
	switch {
	case i == nil:
		c.add(field, "there is no veth interface", "ports are published with --net veth; elsewhere the jail is on a wire of its own, or --share net")
	case p.Address == "" && len(i.Gateways) == 0, p.Address != "" && !hasGateway(i, a.Is6()):
		c.add(field, "the interface has no gateway by which to answer", "add --ip and --gateway")
	}
}

func hasGateway(i *setup.Interface, is6 bool) bool {
	return slices.ContainsFunc(i.Gateways, func(s string) bool {
		g, err := netip.ParseAddr(s)
		return err == nil && g.Is6() == is6
	})
}

// undoing are the capabilities with which a payload could get around a filter
// that lies in its own network namespace.
var undoing = []string{"net_admin", "net_raw", "sys_admin", "sys_ptrace", "sys_module"}

func (c *checker) filter(p *setup.Plan) {
	n := &p.Network
	for _, l := range []struct {
		field string
		peers []setup.Peer
	}{{"deny", n.Filter.Deny}, {"allow", n.Filter.Allow}, {"accept", n.Filter.Accept}} {
		for i, peer := range l.peers {
			c.peer("network.filter."+l.field+"["+strconv.Itoa(i)+"]", peer)
		}
	}
	if len(n.Interfaces) == 0 && !n.User && n.Join == "" && !p.Shares(setup.NetNS) {
		c.add("network.filter", "there is no network to filter", "add an interface: --net veth, or another")
	}
	if !slices.ContainsFunc(n.Interfaces, func(i setup.Interface) bool { return i.Kind != setup.Veth }) && !n.User {
		return // the rules are on the host
	}
	for _, name := range p.Process.Capabilities {
		if slices.Contains(undoing, name) {
			c.add("network.filter", "with the capability "+name+" the payload could get around it", "leave out one of the two, or take --net veth, which is filtered on the host")
		}
	}
}

func (c *checker) peer(field string, p setup.Peer) {
	if net, err := netip.ParsePrefix(p.Net); p.Net != "" && (err != nil || net != net.Masked()) {
		c.add(field+".net", strconv.Quote(p.Net)+" is not a prefix", "such as 192.0.2.1/32 or 2001:db8::/32")
	}
	if p.Protocol != "" && p.Protocol != "tcp" && p.Protocol != "udp" {
		c.add(field+".protocol", "unknown protocol "+strconv.Quote(p.Protocol), "known are tcp and udp")
	}
}

func (c *checker) sysctl(s setup.Sysctl, field string) {
	words := strings.Split(s.Name, "/")
	switch {
	case slices.ContainsFunc(words, func(w string) bool { return w == "" || w == "." || w == ".." }):
		c.add(field, strconv.Quote(s.Name)+" is no name of a setting", "such as net.ipv4.ip_unprivileged_port_start")
	case words[0] != "net" || len(words) < 3:
		c.add(field, s.Name+" is not a setting of a network namespace", "only those below net. belong to the jail")
	}
	c.noNUL(field, s.Name)
	if s.Value == "" || strings.ContainsAny(s.Value, "\n\x00") {
		c.add(field, "the value "+strconv.Quote(s.Value)+" is empty or has more than one line", "")
	}
}
