package setup

import "strings"

// Network describes the jail's network namespace (network_namespaces(7)). The
// zero value is a namespace of its own with loopback up and nothing else. The
// host's own network is the namespace net in [Plan.Share].
type Network struct {
	// NoLoopback leaves the loopback interface down, as the kernel made it.
	NoLoopback bool `json:"no_loopback,omitempty"`

	// Join is the path of an existing network namespace that the jail uses in
	// place of one of its own, as ip-netns(8) keeps them. It needs
	// CAP_SYS_ADMIN over that namespace. Empty means a new one.
	Join string `json:"join,omitempty"`

	// User connects the jail through pasta(1), which needs no privilege but
	// access to /dev/net/tun.
	User bool `json:"user,omitempty"`

	// Interfaces are made, or moved in, before the payload starts. They need
	// CAP_NET_ADMIN over the caller's network namespace.
	Interfaces []Interface `json:"interfaces,omitempty"`

	// Publish leads ports of the host to the jail's first veth interface.
	Publish []Publish `json:"publish,omitempty"`

	// NAT lets the jail's veth interfaces reach what lies beyond the host, with
	// the host's address.
	NAT bool `json:"nat,omitempty"`

	// Filter restricts whom the payload may talk to. With nil, a veth interface
	// reaches nothing but what NAT opens, and any other all that its wire does.
	Filter *Filter `json:"filter,omitempty"`

	// Sysctls are set in the jail's network namespace, and never in the host's.
	Sysctls []Sysctl `json:"sysctls,omitempty"`

	// Rules is the jail's own packet filter, encoded for nf_tables. Only
	// setup/spawn sets it, from Filter.
	Rules string `json:"-"`
	// Confine lists addresses of the host that the jail is held to while it
	// shares the host's network (cgroup-bpf, see setup/spawn/address): it binds
	// to no other, a wildcard and loopback stand for the first of their family,
	// connections leave from it, ports below 1024 need no capability there. It
	// needs the host's root.
	Confine []string `json:"confine,omitempty"`
}

// InterfaceKind says where an interface comes from.
type InterfaceKind string

// The kinds of interface.
const (
	// Veth is a pair (veth(4)): one end in the jail, the other on the host,
	// which routes for it. What passes is filtered at the host's end.
	Veth InterfaceKind = "veth"
	// Bridge is a pair whose host end is a port of the bridge Parent.
	Bridge InterfaceKind = "bridge"
	// Macvlan has an address of its own on the wire of Parent.
	Macvlan InterfaceKind = "macvlan"
	// IPvlan shares the hardware address of Parent.
	IPvlan InterfaceKind = "ipvlan"
	// NIC moves the device Parent into the jail, and back when it ends.
	NIC InterfaceKind = "nic"
)

// An Interface of the jail. Addresses are written as in RFC 4632 and 4291.
type Interface struct {
	Kind InterfaceKind `json:"kind"`

	// Parent is a device of the host; a veth pair has none.
	Parent string `json:"parent,omitempty"`

	// Mode of a macvlan: bridge (default, jails on one parent reach each other)
	// or private. Of an ipvlan: l2 (default; neighbours are found as on any
	// wire), l3 (the parent's namespace routes, nobody is asked) or l3s (the
	// same, seen by packet filters there). All ipvlans of a parent have one
	// mode.
	Mode string `json:"mode,omitempty"`

	// Name inside the jail; 15 bytes at most.
	Name string `json:"name"`

	// Addresses have their prefix length: 10.0.0.2/24. An IPv6 address is used
	// at once, without duplicate address detection.
	Addresses []string `json:"addresses,omitempty"`

	// Gateways are the next hops of the default routes, at most one of IPv4 and
	// one of IPv6. The host's end of a veth pair takes on their addresses.
	Gateways []string `json:"gateways,omitempty"`

	Routes []Route `json:"routes,omitempty"`

	// MAC is the hardware address; empty means one that the kernel chooses.
	MAC string `json:"mac,omitempty"`

	// MTU in bytes; 0 means the kernel's default, or that of Parent.
	MTU uint32 `json:"mtu,omitempty"`
}

// Has reports whether the interface has an address of IPv6, or else of IPv4.
func (i *Interface) Has(is6 bool) bool {
	for _, a := range i.Addresses {
		if strings.Contains(a, ":") == is6 {
			return true
		}
	}
	return false
}

// A Route of the jail: packets to the prefix To go to Via, or onto the wire of
// the interface if it is empty.
type Route struct {
	To  string `json:"to"`
	Via string `json:"via,omitempty"`
}

// Publish leads connections to a port of the host to one of the jail.
type Publish struct {
	Address  string `json:"address,omitempty"` // of the host; empty means every one
	Port     uint16 `json:"port"`
	JailPort uint16 `json:"jail_port"`
	Protocol string `json:"protocol"` // tcp or udp
}

// A Filter says whom the payload may talk to. What is refused fails at once.
// Answers pass always, in both directions. The order is: Deny, Allow, Open.
type Filter struct {
	Deny  []Peer `json:"deny,omitempty"`
	Allow []Peer `json:"allow,omitempty"`

	// Open lets pass what neither list names; with NAT, the host itself still
	// not. With false, the safe default, an empty Allow allows nothing.
	Open bool `json:"open,omitempty"`

	// Accept lists who may connect to the jail; a Peer's port is then the
	// jail's. Empty means: the host through a veth interface, anybody on the
	// wire of any other.
	Accept []Peer `json:"accept,omitempty"`
}

// A Peer is a set of partners in conversation. The zero value is everybody.
type Peer struct {
	Net      string `json:"net,omitempty"`      // a prefix; empty means any address
	Port     uint16 `json:"port,omitempty"`     // 0 means any
	Protocol string `json:"protocol,omitempty"` // tcp or udp; empty means any
}

// A Sysctl is a setting below /proc/sys, its name written with slashes.
type Sysctl struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Prepared reports whether jailspawn makes a part of the network, for which
// jailinit waits.
func (n *Network) Prepared() bool { return n.User || len(n.Interfaces) > 0 }

// Lends reports whether the jail gets a device of the host.
func (n *Network) Lends() bool {
	for i := range n.Interfaces {
		if n.Interfaces[i].Kind == NIC {
			return true
		}
	}
	return false
}

func (n *Network) code(c *coder) {
	flag(c, &n.NoLoopback)
	str(c, &n.Join)
	flag(c, &n.User)
	list(c, &n.Interfaces, codeInterface)
	list(c, &n.Publish, codePublish)
	flag(c, &n.NAT)
	optional(c, &n.Filter, codeFilter)
	list(c, &n.Sysctls, codeSysctl)
	str(c, &n.Rules)
	list(c, &n.Confine, str[string])
}

func codeInterface(c *coder, i *Interface) {
	str(c, &i.Kind)
	str(c, &i.Parent)
	str(c, &i.Mode)
	str(c, &i.Name)
	list(c, &i.Addresses, str[string])
	list(c, &i.Gateways, str[string])
	list(c, &i.Routes, codeRoute)
	str(c, &i.MAC)
	num(c, &i.MTU)
}

func codeRoute(c *coder, r *Route) {
	str(c, &r.To)
	str(c, &r.Via)
}

func codePublish(c *coder, p *Publish) {
	str(c, &p.Address)
	num(c, &p.Port)
	num(c, &p.JailPort)
	str(c, &p.Protocol)
}

func codeFilter(c *coder, f *Filter) {
	list(c, &f.Deny, codePeer)
	list(c, &f.Allow, codePeer)
	flag(c, &f.Open)
	list(c, &f.Accept, codePeer)
}

func codePeer(c *coder, p *Peer) {
	str(c, &p.Net)
	num(c, &p.Port)
	str(c, &p.Protocol)
}

func codeSysctl(c *coder, s *Sysctl) {
	str(c, &s.Name)
	str(c, &s.Value)
}
