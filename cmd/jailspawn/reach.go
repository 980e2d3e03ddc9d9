package main

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/jailspawn/jailspawn/setup"
)

// reachOptions say whom the payload may talk to, who may talk to it, and what
// names it knows.
type reachOptions struct {
	publish []string
	nat     bool
	allow   []string
	deny    []string
	accept  []string
	dnsOnly bool
	dns     []string
	hosts   []string
	sysctls []string
}

func (o *reachOptions) reachFlags(f *pflag.FlagSet) {
	repeated(f, &o.publish, "publish")
	f.BoolVar(&o.nat, "nat", false, "")
	repeated(f, &o.allow, "allow")
	repeated(f, &o.deny, "deny")
	repeated(f, &o.accept, "accept")
	f.BoolVar(&o.dnsOnly, "dns-only", false, "")
	repeated(f, &o.dns, "dns")
	repeated(f, &o.hosts, "hosts")
	repeated(f, &o.sysctls, "sysctl")
}

// reach fills in the ports, filters and settings of the plan's network. It
// resolves names, which the payload then finds in its hosts file: what is
// allowed and what a name means can't drift apart.
func (o *reachOptions) reach(n *setup.Network, gid uint32) error {
	n.NAT = o.nat
	for _, s := range o.publish {
		p, err := parsePublish(s)
		if err != nil {
			return usage("--publish "+s+": "+err.Error(), "write [ADDRESS:]PORT:JAILPORT[/udp]")
		}
		n.Publish = append(n.Publish, p)
	}
	if err := o.filter(n); err != nil {
		return err
	}
	if len(n.Interfaces) > 0 || n.User {
		// Ports below 1024 and ping need no right in a network of one's own.
		own := id(gid)
		n.Sysctls = []setup.Sysctl{{Name: "net/ipv4/ip_unprivileged_port_start", Value: "0"}, {Name: "net/ipv4/ping_group_range", Value: own + " " + own}}
	}
	for _, s := range o.sysctls {
		name, value, found := strings.Cut(s, "=")
		if !found {
			return usage("--sysctl "+s+": no value", "write --sysctl NAME=VALUE")
		}
		name = sysctlPath(name)
		n.Sysctls = slices.DeleteFunc(n.Sysctls, func(s setup.Sysctl) bool { return s.Name == name })
		n.Sysctls = append(n.Sysctls, setup.Sysctl{Name: name, Value: value})
	}
	return nil
}

// sysctlPath turns dots into slashes and back, unless the first of the two is a
// slash, as sysctl(8) does.
func sysctlPath(name string) string {
	if i := strings.IndexAny(name, "./"); i >= 0 && name[i] == '/' {
		return name
	}
	return strings.NewReplacer(".", "/", "/", ".").Replace(name)
}

func (o *reachOptions) filter(n *setup.Network) error {
	if len(o.allow)+len(o.deny)+len(o.accept) == 0 && !o.dnsOnly {
		return nil
	}
	restricted := len(o.allow) > 0 || o.dnsOnly
	n.Filter = &setup.Filter{Open: !restricted && (len(o.deny) > 0 || firstKind(n) != setup.Veth || o.nat)}
	if o.dnsOnly {
		n.Filter.Allow = append(n.Filter.Allow, setup.Peer{Port: 53, Protocol: "udp"})
	}
	for _, l := range []struct {
		flag  string
		words []string
		list  *[]setup.Peer
	}{{"--deny", o.deny, &n.Filter.Deny}, {"--allow", o.allow, &n.Filter.Allow}, {"--accept", o.accept, &n.Filter.Accept}} {
		for _, w := range l.words {
			peers, err := o.peers(w)
			if err != nil {
				return usage(l.flag+" "+w+": "+err.Error(), "write NAME, ADDRESS or PREFIX, then :PORT and /tcp or /udp where wanted; IPv6 with a port in brackets")
			}
			*l.list = append(*l.list, peers...)
		}
	}
	return nil
}

func firstKind(n *setup.Network) setup.InterfaceKind {
	if len(n.Interfaces) == 0 {
		return ""
	}
	return n.Interfaces[0].Kind
}

// peers reads [HOST|PREFIX][:PORT][/PROTOCOL]. A name stands for all its
// addresses. The empty word is nobody: a list of it alone allows nothing.
func (o *reachOptions) peers(s string) ([]setup.Peer, error) {
	if s == "" {
		return nil, nil
	}
	host, port, protocol, err := splitPeer(s)
	if err != nil {
		return nil, err
	}
	p := setup.Peer{Port: port, Protocol: protocol}
	if host == "" {
		return []setup.Peer{p}, nil
	}
	if prefix, err := netip.ParsePrefix(host); err == nil {
		p.Net = prefix.Masked().String()
		return []setup.Peer{p}, nil
	}
	addresses := []netip.Addr{}
	if a, err := netip.ParseAddr(host); err == nil {
		addresses = append(addresses, a)
	} else if addresses, err = o.resolve(host); err != nil {
		return nil, err
	}
	var list []setup.Peer
	for _, a := range addresses {
		p.Net = netip.PrefixFrom(a, a.BitLen()).String()
		list = append(list, p)
	}
	return list, nil
}

// splitPeer takes the port and the protocol off a peer.
func splitPeer(s string) (host string, port uint16, protocol string, err error) {
	host = s
	if i := strings.LastIndexByte(s, '/'); i >= 0 {
		if last := s[i+1:]; last == "tcp" || last == "udp" {
			host, protocol = s[:i], last
		}
	}
	colon := strings.LastIndexByte(host, ':')
	bracketed := strings.HasPrefix(host, "[")
	if colon >= 0 && (strings.Count(host, ":") == 1 || (bracketed && host[colon-1] == ']')) {
		if port, err = parsePort(host[colon+1:]); err != nil {
			return "", 0, "", err
		}
		host = host[:colon]
	}
	if bracketed {
		host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	return host, port, protocol, nil
}

func parsePort(s string) (uint16, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n == 0 {
		return 0, errors.New(strconv.Quote(s) + " is not a port")
	}
	return uint16(n), nil
}

// resolve looks a name up and pins what it found in the jail's hosts file.
func (o *reachOptions) resolve(name string) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", name)
	if err != nil {
		return nil, errors.New("the name can't be resolved: " + strings.TrimPrefix(err.Error(), "lookup "+name+": "))
	}
	for i := range found {
		found[i] = found[i].Unmap()
		o.hosts = append(o.hosts, name+"="+found[i].String())
	}
	return found, nil
}

// parsePublish reads [ADDRESS:]PORT:JAILPORT[/PROTOCOL].
func parsePublish(s string) (p setup.Publish, err error) {
	p.Protocol = "tcp"
	if rest, last, found := strings.Cut(s, "/"); found {
		s, p.Protocol = rest, last
	}
	colon := strings.LastIndexByte(s, ':')
	if colon < 0 {
		return p, errors.New("want two ports")
	}
	if p.JailPort, err = parsePort(s[colon+1:]); err != nil {
		return p, err
	}
	s = s[:colon]
	if colon = strings.LastIndexByte(s, ':'); colon >= 0 {
		p.Address = strings.TrimSuffix(strings.TrimPrefix(s[:colon], "["), "]")
		s = s[colon+1:]
	}
	p.Port, err = parsePort(s)
	return p, err
}
