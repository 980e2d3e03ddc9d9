package hostnet

import (
	"net/netip"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// hostEnd makes the host the jail's gateway: its end of the pair takes on the
// gateway's addresses and gets a route to each of the jail's. All of this goes
// with the pair.
func (w *work) hostEnd(l *link) error {
	if err := quietIPv6(w.hostSys, l.end, l.Has(true)); err != nil {
		return err
	}
	// From jail to jail; whether more is forwarded is the host's to decide.
	settings := []int{forwarding}
	if l.published {
		settings = append(settings, routeLocalnet)
	}
	w.host.change(unix.RTM_NEWLINK, 0, l.refuse("bring up the host's end"), upHeader(l.endIndex), settings4(settings...))
	for _, g := range l.gateways() {
		w.host.address(l.endIndex, single(g), 0, l.refuse("gateway "+g.String()+" on the host"))
	}
	for _, p := range l.prefixes() {
		w.lead(l, p.Addr())
	}
	return w.host.do()
}

// lead leads the host's packets for one address to the jail. If there is a
// route already, it is that of a living jail, or of one whose device the kernel
// hasn't removed yet.
func (w *work) lead(l *link, a netip.Addr) {
	r := route{index: l.endIndex, to: single(a), source: l.gateway(a.Is6())}
	failed := l.refuse("the host's route to " + a.String())
	w.host.route(r, unix.NLM_F_EXCL, func(err error) error {
		if err != unix.EEXIST {
			return failed(err)
		}
		if w.lives(a) {
			return l.fail("address "+a.String()+" is taken", nil, "another jail or route of the host has it; give this one another")
		}
		w.host.route(r, unix.NLM_F_REPLACE, failed)
		return w.host.do()
	})
}

// lives reports whether the route to an address is one of a living jail, or none
// of a jail.
func (w *work) lives(a netip.Addr) bool {
	var device int
	w.host.way(a, func(_ byte, index int) { device = index })
	if w.host.do() != nil || device == 0 {
		return false // it went away just now
	}
	var name, kind string
	w.host.ask(unix.RTM_GETLINK, nil, func(data []byte) {
		if found, err := netlink.LinkDeserialize(nil, data); err == nil {
			name, kind = found.Attrs().Name, found.Type()
		}
	}, linkHeader(device))
	if w.host.do() != nil || name == "" {
		return false
	}
	if kind != "veth" || !strings.HasPrefix(name, linkPrefix) {
		return true
	}
	return unix.Connect(w.probe, claimName(name)) == nil
}

// claim binds an abstract socket (unix(7)), which tells other jailspawns of the
// same network namespace that the jail of a device lives. The kernel frees the
// name however this process ends.
func claim(socket int, device string) error {
	return unix.Bind(socket, claimName(device))
}

func claimName(device string) unix.Sockaddr {
	return &unix.SockaddrUnix{Name: "@jailspawn/link/" + device}
}

func datagramSocket() (int, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	return fd, setup.Fail("network", "socket", err)
}
