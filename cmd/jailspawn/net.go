package main

import (
	"errors"
	"hash/fnv"
	"net"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/jailspawn/jailspawn/setup"
)

// netOptions are the jail's interfaces. The flags after a --net, up to the
// next, describe the interface that it adds.
type netOptions struct {
	network setup.Network
	mode    string // the first --net, empty if there was none
	hostNet bool
	orphan  string // a flag of an interface before there was one
	reachOptions
}

func (o *netOptions) netFlags(f *pflag.FlagSet) {
	f.Var(orderedFlag(o.addNet), "net", "")
	for name, set := range interfaceFlags() {
		f.Var(orderedFlag(func(s string) error {
			if len(o.network.Interfaces) == 0 {
				o.orphan = "--" + name
				return nil
			}
			return set(&o.network.Interfaces[len(o.network.Interfaces)-1], s)
		}), name, "")
	}
	o.reachFlags(f)
}

// interfaceFlags describe the interface of the --net before them.
func interfaceFlags() map[string]func(i *setup.Interface, value string) error {
	return map[string]func(i *setup.Interface, value string) error{
		"ip":      func(i *setup.Interface, s string) error { i.Addresses = append(i.Addresses, s); return nil },
		"gateway": func(i *setup.Interface, s string) error { i.Gateways = append(i.Gateways, s); return nil },
		"route": func(i *setup.Interface, s string) error {
			to, via, _ := strings.Cut(s, "=")
			i.Routes = append(i.Routes, setup.Route{To: to, Via: via})
			return nil
		},
		"ifname": func(i *setup.Interface, s string) error { i.Name = s; return nil },
		"mac":    func(i *setup.Interface, s string) error { i.MAC = s; return nil },
		"mtu": func(i *setup.Interface, s string) error {
			n, err := strconv.ParseUint(s, 10, 32)
			if err != nil || n == 0 {
				return errors.New(strconv.Quote(s) + " is not a number of bytes")
			}
			i.MTU = uint32(n)
			return nil
		},
	}
}

// A netMode is one way to connect a jail: a word of --net.
type netMode struct {
	name string
	// argument is what stands behind the "=", empty if nothing may.
	argument string
	alone    bool // no other --net goes with it
	apply    func(o *netOptions, value string) error
}

// netModes is the table of all ways to connect a jail.
func netModes() []netMode {
	return []netMode{
		{"none", "", true, func(*netOptions, string) error { return nil }},
		{"host", "", true, func(o *netOptions, _ string) error { o.hostNet = true; return nil }},
		{"addr", "ADDR,...", true, func(o *netOptions, v string) error {
			o.hostNet, o.network.Confine = true, strings.Split(v, ",")
			return nil
		}},
		{"user", "", true, func(o *netOptions, _ string) error { o.network.User = true; return nil }},
		{"join", "PATH", true, func(o *netOptions, v string) error { o.network.Join = v; return nil }},
		{"veth", "", false, addInterface(setup.Veth)},
		{"bridge", "BRIDGE", false, addInterface(setup.Bridge)},
		{"macvlan", "PARENT[,private]", false, addInterface(setup.Macvlan)},
		{"ipvlan", "PARENT[,l3]", false, addInterface(setup.IPvlan)},
		{"nic", "DEVICE", false, addInterface(setup.NIC)},
	}
}

func addInterface(kind setup.InterfaceKind) func(*netOptions, string) error {
	return func(o *netOptions, value string) error {
		i := setup.Interface{Kind: kind, Name: "eth" + strconv.Itoa(len(o.network.Interfaces))}
		i.Parent = value
		if kind == setup.Macvlan || kind == setup.IPvlan {
			i.Parent, i.Mode, _ = strings.Cut(value, ",")
		}
		o.network.Interfaces = append(o.network.Interfaces, i)
		return nil
	}
}

// addNet is the flag --net.
func (o *netOptions) addNet(s string) error {
	name, value, _ := strings.Cut(s, "=")
	var names []string
	for _, m := range netModes() {
		names = append(names, m.name)
		if m.name != name {
			continue
		}
		switch {
		case m.argument == "" && value != "":
			return errors.New(name + " takes no value")
		case m.argument != "" && value == "":
			return errors.New("write " + name + "=" + m.argument)
		case o.mode != "" && (m.alone || o.aloneMode()):
			return errors.New(name + " can't go with " + o.mode)
		case o.mode == "":
			o.mode = name
		}
		return m.apply(o, value)
	}
	if near := setup.Nearest(name, names); near != "" {
		return errors.New("did you mean " + near + "?")
	}
	return errors.New("known are " + strings.Join(names, " "))
}

// aloneMode reports whether the first --net stands for itself.
func (o *netOptions) aloneMode() bool {
	for _, m := range netModes() {
		if m.name == o.mode {
			return m.alone
		}
	}
	return false
}

// net fills in the network of the plan. The name of the jail makes its hardware
// addresses, so that they are the same at every start.
func (o *netOptions) net(p *setup.Plan, name string) error {
	if o.orphan != "" {
		return usage(o.orphan+": there is no interface yet", "it follows the --net that it belongs to")
	}
	if o.hostNet && !p.Shares(setup.NetNS) {
		p.Share = append(p.Share, setup.NetNS)
	}
	p.Network = o.network
	for k := range p.Network.Interfaces {
		i := &p.Network.Interfaces[k]
		if name != "" && i.MAC == "" && i.Kind != setup.IPvlan && i.Kind != setup.NIC {
			i.MAC = stableMAC(name, k)
		}
	}
	return o.reach(&p.Network, p.Process.GID)
}

// stableMAC is a locally administered address (IEEE 802) for an interface of a
// jail.
func stableMAC(name string, index int) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name + "/" + strconv.Itoa(index)))
	sum := h.Sum(nil)
	return net.HardwareAddr{2, sum[3], sum[4], sum[5], sum[6], sum[7]}.String()
}

// orderedFlag is a flag whose meaning depends on those before it.
type orderedFlag func(string) error

func (f orderedFlag) String() string     { return "" }
func (f orderedFlag) Type() string       { return "value" }
func (f orderedFlag) Set(s string) error { return f(s) }
