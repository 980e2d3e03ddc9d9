package meaning

import (
	"reflect"
	"strconv"

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
	for _, b := range n.Publish {
		where := b.Address
		if where == "" {
			where = "every address"
		}
		f.say(Network, "These ports of the host lead into the jail: %s.",
			b.Protocol+" "+port(b.Port)+" on "+where+" to "+port(b.JailPort))
	}
	if n.NAT {
		f.say(Network, "It reaches what lies beyond the host by the host's address.")
	}
	f.filter(n.Filter)
	for _, s := range n.Sysctls {
		f.say(Network, "Settings of its network: %s.", s.Name+" = "+s.Value)
	}
}

func (f *facts) networkInterface(i *setup.Interface) {
	what := i.Name + " (" + string(i.Kind)
	if i.Parent != "" {
		what += " of " + i.Parent
	}
	f.say(Network, "It has the network interface %s.", what+")")
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
		f.say(Network, "It can talk to all that is not refused.")
	default:
		f.say(Network, "It can talk to nobody else outside.")
	}
	for _, p := range l.Accept {
		f.say(Network, "It can be talked to by %s.", peer(p))
	}
}

func peer(p setup.Peer) string {
	s := "anybody"
	if p.Net != "" {
		s = p.Net
	}
	if p.Port != 0 {
		s += " port " + port(p.Port)
	}
	if p.Protocol != "" {
		s += " by " + p.Protocol
	}
	return s
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
