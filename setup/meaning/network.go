package meaning

import (
	"reflect"
	"strconv"
	"strings"

	"github.com/jailspawn/jailspawn/setup"
)

// network tells who can be reached.
func (f *facts) network(p *setup.Plan) {
	n := &p.Network
	switch {
	case p.Shares(setup.NetNS) && len(n.Confine) > 0:
		f.say(Network, "The host's network is the jail's, but of its addresses it has only %s: it binds to no other, is reached at no other and sends from no other.", n.Confine...)
	case p.Shares(setup.NetNS):
		f.say(Network, "The host's network is the jail's: it can talk to whom the caller can, and to abstract sockets of the host.")
	case n.Join != "":
		f.say(Network, "The network is that of the namespace %s.", n.Join)
	case n.User:
		f.say(Network, "It reaches the network through pasta, as a program of the caller's would.")
	case len(n.Interfaces) > 0:
	case n.NoLoopback:
		f.say(Network, "There is no network, and loopback is down.")
	default:
		f.say(Network, "The only network interface is a loopback of the jail's own.")
	}
	for i := range n.Interfaces {
		f.networkInterface(&n.Interfaces[i])
	}
	f.reach(n)
	f.nameServers(p)
	for _, b := range n.Publish {
		where := b.Address
		if where == "" {
			where = "every address"
		}
		f.say(Network, "These ports of the host lead into the jail: %s.",
			b.Protocol+" "+port(b.Port)+" on "+where+" to "+port(b.JailPort))
	}
	f.filter(n.Filter)
	for _, s := range n.Sysctls {
		f.say(Network, "Settings of its network: %s.", s.Name+" = "+s.Value)
	}
}

// connection tells with whom an interface connects.
func connection(i *setup.Interface) string {
	switch i.Kind {
	case setup.Veth:
		return ", whose other end is the host's"
	case setup.Bridge:
		return ", on one wire with all that is on that bridge of the host"
	case setup.Macvlan:
		if i.Mode == "private" {
			return ", on the wire of that device of the host, but reaches neither the host itself nor other jails there"
		}
		return ", on the wire of that device of the host, but never reaches the host itself"
	case setup.IPvlan:
		if i.Mode == "l3" || i.Mode == "l3s" { // the host's own routes decide
			return ", on the wire of that device of the host and with its hardware address; what it sends to the host's addresses there arrives, but is never answered"
		}
		return ", on the wire of that device of the host and with its hardware address, but never reaches the host itself"
	case setup.NIC:
		return ", a device that the host lacks meanwhile"
	}
	return ""
}

func (f *facts) networkInterface(i *setup.Interface) {
	what := i.Name + " (" + string(i.Kind)
	if i.Parent != "" {
		what += " of " + i.Parent
	}
	if i.Mode != "" {
		what += ", " + i.Mode
	}
	f.say(Network, "It has the interface %s"+connection(i)+".", what+")")
	for _, a := range i.Addresses {
		f.say(Network, "Its addresses are %s.", a)
	}
	for _, g := range i.Gateways {
		f.say(Network, "Its gateways are %s.", g)
	}
	for _, r := range i.Routes {
		f.say(Network, "It has the routes %s.", r.To+" by "+i.Name+" "+r.Via)
	}
}

// reach tells what passes the host between it and a veth pair, and who may
// begin a conversation with the jail.
func (f *facts) reach(n *setup.Network) {
	pair, wire := false, false
	for i := range n.Interfaces {
		pair = pair || n.Interfaces[i].Kind == setup.Veth
		wire = wire || n.Interfaces[i].Kind != setup.Veth
	}
	switch {
	case n.NAT && (n.Filter == nil || n.Filter.Open):
		f.say(Network, "Through the host it talks to whom the host can reach, by the host's address, but not to the host itself, nor to another jail's veth that doesn't accept it.")
	case n.NAT:
		f.say(Network, "What it sends beyond the host bears the host's address.")
	case pair && n.Filter == nil:
		f.say(Network, "Through the host it talks to nobody, the host included, but it answers.")
	}
	if wire && n.Filter == nil {
		f.say(Network, "It can talk to whoever is on its wire.")
	}
	if n.Filter != nil && len(n.Filter.Accept) > 0 {
		return // these are told
	}
	switch {
	case pair && len(n.Publish) > 0:
		f.say(Network, "The host can connect to it, and others through the host by its published ports alone.")
	case pair:
		f.say(Network, "The host can connect to it, and nobody else through the host.")
	}
	if wire {
		f.say(Network, "Whoever is on its wire can connect to it.")
	}
}

// nameServers tells whom it asks for names, where that is the jail's own matter.
func (f *facts) nameServers(p *setup.Plan) {
	for i := range p.Mounts {
		m := &p.Mounts[i]
		if m.Type != setup.File || m.Target != "/etc/resolv.conf" {
			continue
		}
		for line := range strings.Lines(m.Content) {
			if words := strings.Fields(line); len(words) > 1 && words[0] == "nameserver" {
				f.say(Network, "It asks these name servers: %s.", words[1])
			}
		}
	}
}

func (f *facts) filter(l *setup.Filter) {
	if l == nil {
		return
	}
	for _, p := range l.Deny {
		f.say(Network, "It can't talk to %s.", peer(p))
	}
	for _, p := range l.Allow {
		f.say(Network, "It can talk to %s.", peer(p))
	}
	switch {
	case l.Open:
		f.say(Network, "Of whom it reaches it can talk to all that are not named here.")
	default:
		f.say(Network, "It can talk to nobody else outside.")
	}
	for _, p := range l.Accept {
		f.say(Network, "These can connect to it: %s.", caller(p))
	}
}

// peer tells of somebody whom the jail calls.
func peer(p setup.Peer) string {
	who := p.Net
	if who == "" {
		who = "anybody"
	}
	return who + service(p, " at ")
}

// caller tells of somebody who calls the jail; the port is the jail's.
func caller(p setup.Peer) string {
	who := p.Net
	if who == "" {
		who = "anybody"
	}
	return who + service(p, " to its ")
}

func service(p setup.Peer, before string) string {
	switch {
	case p.Port != 0 && p.Protocol != "":
		return before + p.Protocol + " port " + port(p.Port)
	case p.Port != 0:
		return before + "port " + port(p.Port)
	case p.Protocol != "":
		return " by " + p.Protocol
	}
	return ""
}

func port(n uint16) string { return strconv.Itoa(int(n)) }

// resources tells what the jail may use.
func (f *facts) resources(r *setup.Resources) {
	for _, t := range []struct {
		text  string
		value uint64
		unit  string
	}{
		{"The jail's memory is at most %s; beyond that it is killed.", r.Memory, " bytes"},
		{"From %s of memory on it is slowed down.", r.MemoryHigh, " bytes"},
		{"It has at most %s of a processor's time.", uint64(r.MilliCPUs), " thousandths"},
		{"Its share of the processors is %s.", uint64(r.CPUWeight), " (100 is usual)"},
		{"It has at most %s.", uint64(r.Pids), " processes and threads"},
		{"Its share of the disks is %s.", uint64(r.IOWeight), " (100 is usual)"},
		{"It is ended after %s.", r.Timeout, " ms"},
		{"It is ended when it has used %s of processor time.", r.CPUTime, " ms"},
	} {
		if t.value != 0 {
			f.say(Resources, t.text, strconv.FormatUint(t.value, 10)+t.unit)
		}
	}
	if r.Swap != nil {
		f.say(Resources, "Beside memory it has at most %s of swap.", strconv.FormatUint(*r.Swap, 10)+" bytes")
	}
	if reflect.ValueOf(*r).IsZero() {
		f.say(Resources, "No limit but those of the host holds for memory, processor time and disks.")
	}
}

// life tells of the terminal and the end.
func (f *facts) life(p *setup.Plan) {
	if g := p.Life.Grace; g == 0 {
		f.say(Beside, "What the command leaves behind is killed at once.")
	} else {
		f.say(Beside, "What the command leaves behind is asked to end, and killed after %s.", strconv.FormatUint(uint64(g), 10)+" ms")
	}
	switch p.Process.Terminal {
	case setup.TerminalNever:
		f.say(Beside, "If the caller's descriptors are a terminal, it can write to it.")
	case setup.TerminalAuto:
		f.say(Beside, "In place of the caller's terminal it gets one of the jail's own.")
	default:
		f.say(Beside, "It gets a terminal of the jail's own.")
	}
}
