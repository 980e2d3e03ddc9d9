package hostnet

import (
	"net/netip"
	"strings"

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
	settings := []uint16{forwarding}
	if l.published {
		settings = append(settings, routeLocalnet)
	}
	w.host.up(l.endIndex, l.refuse("bring up the host's end"))
	w.host.settings4(settings...)
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
			return l.taken(a, "another jail or route of the host has it")
		}
		w.host.route(r, unix.NLM_F_REPLACE, failed)
		return w.host.do()
	})
}

// lives reports whether the route to an address is one of a living jail, or none
// of a jail.
func (w *work) lives(a netip.Addr) bool {
	there, device := false, 0
	w.host.way(a, func(_, bits byte, index int) {
		// Any wider one, as the default route, is found if it went away just now.
		there, device = int(bits) == a.BitLen(), index
	})
	if w.host.do() != nil || !there {
		return false
	}
	if device == 0 {
		return true
	}
	var end seenLink
	w.host.look(device, "", nil, &end)
	if w.host.do() != nil || end.name == "" {
		return false
	}
	if end.kind != "veth" || !strings.HasPrefix(end.name, linkPrefix) {
		return true
	}
	return unix.Connect(w.probe, claimName(end.name)) == nil
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
