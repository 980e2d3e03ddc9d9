package hostnet

import (
	"errors"
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
	// From jail to jail; whether more is forwarded is the host's to decide.
	if err := w.hostSys.set4(l.end, "forwarding", "1"); err != nil {
		return err
	}
	if l.published {
		if err := w.hostSys.set4(l.end, "route_localnet", "1"); err != nil {
			return err
		}
	}
	if err := quietIPv6(w.hostSys, l.end, l.Has(true)); err != nil {
		return err
	}
	end, err := w.host.LinkByName(l.end)
	if err != nil {
		return l.fail("find the host's end", noDevice(err), "")
	}
	for _, g := range l.gateways() {
		a := &netlink.Addr{IPNet: ipNet(single(g)), Flags: unix.IFA_F_NODAD}
		if err := w.host.AddrAdd(end, a); err != nil {
			return l.fail("gateway "+g.String()+" on the host", err, "")
		}
	}
	if err := w.host.LinkSetUp(end); err != nil {
		return l.fail("bring up the host's end", err, "")
	}
	l.endIndex = end.Attrs().Index
	for _, p := range l.prefixes() {
		if err := w.route(l, end.Attrs().Index, p.Addr()); err != nil {
			return err
		}
	}
	return nil
}

func (w *work) hostUp(l *link) error {
	end, err := w.host.LinkByName(l.end)
	if err == nil {
		l.endIndex = end.Attrs().Index
		err = w.host.LinkSetUp(end)
	}
	if err != nil {
		return l.fail("bring up the host's end", err, "")
	}
	return nil
}

// route leads the host's packets for one address to the jail. If there is a
// route already, it is that of a living jail, or of one whose device the kernel
// hasn't removed yet.
func (w *work) route(l *link, index int, a netip.Addr) error {
	r := &netlink.Route{LinkIndex: index, Dst: ipNet(single(a)), Scope: scope(a)}
	if g := l.gateway(a.Is6()); g.IsValid() {
		r.Src = g.AsSlice()
	}
	err := w.host.RouteAdd(r)
	if errors.Is(err, unix.EEXIST) {
		if err = w.abandoned(l, r); err == nil {
			err = w.host.RouteReplace(r)
		}
	}
	if err != nil {
		return l.fail("the host's route to "+a.String(), err, "")
	}
	return nil
}

// abandoned finds out whether the jail that has the route r is gone.
func (w *work) abandoned(l *link, r *netlink.Route) error {
	taken := l.fail("address "+r.Dst.IP.String()+" is taken", nil, "another jail or route of the host has it; give this one another")
	found, err := w.host.RouteGet(r.Dst.IP)
	if err != nil || len(found) == 0 {
		return nil // it went away just now
	}
	device, err := w.host.LinkByIndex(found[0].LinkIndex)
	if err != nil {
		return nil
	}
	if device.Type() != "veth" || !strings.HasPrefix(device.Attrs().Name, linkPrefix) {
		return taken
	}
	if unix.Connect(w.probe, claimName(device.Attrs().Name)) == nil {
		return taken
	}
	return nil
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
