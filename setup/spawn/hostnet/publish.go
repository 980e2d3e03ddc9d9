package hostnet

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/nft"
	"github.com/jailspawn/jailspawn/setup/rawfile"
)

// guard puts the rules of the jail's veth interfaces into force and takes the
// ports that are published. It runs in the host's network namespace, before
// there is an interface that could need a rule.
func (w *work) guard() error {
	n := w.network
	var pairs []link
	for _, l := range w.links {
		if l.Kind == setup.Veth {
			pairs = append(pairs, l)
		}
	}
	if len(pairs) == 0 {
		return nil
	}
	if err := forwards(n, pairs); err != nil {
		return err
	}
	for _, p := range n.Publish {
		if err := w.reserve(p, targets(p, pairs)); err != nil {
			return err
		}
	}
	fd, err := nft.Install(hostRules(n, pairs))
	if err != nil {
		return &setup.Error{Step: "network", Detail: "rules on the host", Errno: errno(err), Hint: nft.Hint(err)}
	}
	w.held = append(w.held, fd)
	return nil
}

// forwards wants the host to be a router where the plan needs one. It isn't
// made one, as that would outlive the jail.
func forwards(n *setup.Network, pairs []link) error {
	for _, family := range []struct {
		is6        bool
		file, name string
	}{
		{false, "/proc/sys/net/ipv4/ip_forward", "net.ipv4.ip_forward"},
		{true, "/proc/sys/net/ipv6/conf/all/forwarding", "net.ipv6.conf.all.forwarding"},
	} {
		what := needsRouter(n, pairs, family.is6)
		if what == "" {
			continue
		}
		data, err := rawfile.Read(family.file)
		if err != nil {
			return setup.Fail("network", family.file, err)
		}
		if strings.TrimSpace(string(data)) == "0" {
			return &setup.Error{
				Step: "network", Target: what, Detail: "the host forwards no packets (" + family.name + " is 0)",
				Hint: "sysctl -w " + family.name + "=1",
			}
		}
	}
	return nil
}

// needsRouter names what needs the host to forward packets of a family.
func needsRouter(n *setup.Network, pairs []link, is6 bool) string {
	for i := range pairs {
		for _, p := range pairs[i].prefixes() {
			if n.NAT && p.Addr().Is6() == is6 {
				return "NAT"
			}
		}
	}
	for _, p := range n.Publish {
		if a, err := netip.ParseAddr(p.Address); err == nil && a.IsLoopback() {
			continue
		}
		for _, to := range targets(p, pairs) {
			if to.Is6() == is6 {
				return "port " + strconv.Itoa(int(p.Port))
			}
		}
	}
	return ""
}

// reserve binds a published port, so that no other program of the host has it
// or thinks that it does. Connections never get to this socket.
func (w *work) reserve(p setup.Publish, to []netip.Addr) error {
	kind := unix.SOCK_STREAM
	if p.Protocol == "udp" {
		kind = unix.SOCK_DGRAM
	}
	for _, target := range to {
		a := unspecified(target)
		if p.Address != "" {
			a = netip.MustParseAddr(p.Address)
		}
		fd, err := bind(a, p.Port, kind)
		if err != nil {
			e := setup.Fail("publish", strconv.Itoa(int(p.Port))+"/"+p.Protocol, err).(*setup.Error)
			switch {
			case errors.Is(err, unix.EADDRINUSE):
				e.Hint = "another program of the host, or a jail, has the port"
			case errors.Is(err, unix.EADDRNOTAVAIL):
				e.Hint = p.Address + " is no address of the host"
			}
			return e
		}
		w.held = append(w.held, fd)
	}
	return nil
}

func bind(a netip.Addr, port uint16, kind int) (int, error) {
	family, address := unix.AF_INET, unix.Sockaddr(&unix.SockaddrInet4{Port: int(port)})
	if a.Is6() {
		family, address = unix.AF_INET6, &unix.SockaddrInet6{Port: int(port), Addr: a.As16()}
	} else {
		address.(*unix.SockaddrInet4).Addr = a.As4()
	}
	fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if a.Is6() {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1)
	}
	if err := unix.Bind(fd, address); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func errno(err error) (n unix.Errno) {
	errors.As(err, &n)
	return n
}
