package hostnet

import (
	"net/netip"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// The parts of rtnetlink(7) requests.

const fresh = unix.NLM_F_CREATE | unix.NLM_F_EXCL

func linkHeader(index int) *nl.IfInfomsg {
	h := nl.NewIfInfomsg(unix.AF_UNSPEC)
	h.Index = int32(index)
	return h
}

// upHeader brings a link up.
func upHeader(index int) *nl.IfInfomsg {
	h := linkHeader(index)
	h.Flags, h.Change = unix.IFF_UP, unix.IFF_UP
	return h
}

func linkNamed(name string) *nl.RtAttr {
	return nl.NewRtAttr(unix.IFLA_IFNAME, nl.ZeroTerminated(name))
}

func word(kind int, value uint32) *nl.RtAttr { return nl.NewRtAttr(kind, nl.Uint32Attr(value)) }

// traits are what is chosen for a new link where the plan says so.
func (l *link) traits() (parts []nl.NetlinkRequestData) {
	if mac := l.mac(); mac != nil {
		parts = append(parts, nl.NewRtAttr(unix.IFLA_ADDRESS, mac))
	}
	if l.MTU != 0 {
		parts = append(parts, word(unix.IFLA_MTU, l.MTU))
	}
	return parts
}

// kindOf describes a kind of virtual link (ip-link(8)).
func kindOf(name string, data ...nl.NetlinkRequestData) *nl.RtAttr {
	info := nl.NewRtAttr(unix.IFLA_LINKINFO, nil)
	info.AddRtAttr(nl.IFLA_INFO_KIND, nl.NonZeroTerminated(name))
	info.AddChild(nested(nl.IFLA_INFO_DATA, data...))
	return info
}

func nested(kind int, parts ...nl.NetlinkRequestData) *nl.RtAttr {
	a := nl.NewRtAttr(kind, nil)
	for _, p := range parts {
		a.AddChild(p)
	}
	return a
}

// What the files below /proc/sys/net/ipv4/conf are in messages (linux/ip.h).
const (
	forwarding    = 1
	routeLocalnet = 26
)

// settings4 sets such to 1.
func settings4(which ...int) *nl.RtAttr {
	var parts []nl.NetlinkRequestData
	for _, w := range which {
		parts = append(parts, word(w, 1))
	}
	return nested(unix.IFLA_AF_SPEC, nested(unix.AF_INET, nested(unix.IFLA_INET_CONF, parts...)))
}

func family(a netip.Addr) int {
	if a.Is6() {
		return unix.AF_INET6
	}
	return unix.AF_INET
}

// address adds one to a link. It is used at once, without duplicate address
// detection; other flags are those of rtnetlink(7).
func (s *socket) address(index int, p netip.Prefix, flags uint32, refused func(error) error) {
	h := nl.NewIfAddrmsg(family(p.Addr()))
	h.Prefixlen, h.Index = uint8(p.Bits()), uint32(index)
	ip := p.Addr().AsSlice()
	parts := []nl.NetlinkRequestData{
		h, nl.NewRtAttr(unix.IFA_LOCAL, ip), nl.NewRtAttr(unix.IFA_ADDRESS, ip),
		word(unix.IFA_FLAGS, flags|unix.IFA_F_NODAD),
	}
	if p.Addr().Is4() && p.Bits() < 31 {
		cast := p.Masked().Addr().As4()
		for bit := p.Bits(); bit < 32; bit++ {
			cast[bit/8] |= 0x80 >> (bit % 8)
		}
		parts = append(parts, nl.NewRtAttr(unix.IFA_BROADCAST, cast[:]))
	}
	s.change(unix.RTM_NEWADDR, fresh, refused, parts...)
}

// A route leads packets to a prefix over a link: to the next hop via, or onto
// its wire if that is invalid.
type route struct {
	index  int
	to     netip.Prefix
	via    netip.Addr
	source netip.Addr // of what this system sends there; may be invalid
}

func (s *socket) route(r route, flags int, refused func(error) error) {
	h := nl.NewRtMsg()
	h.Family, h.Dst_len = uint8(family(r.to.Addr())), uint8(r.to.Bits())
	parts := []nl.NetlinkRequestData{h, word(unix.RTA_OIF, uint32(r.index))}
	if r.to.Bits() > 0 {
		parts = append(parts, nl.NewRtAttr(unix.RTA_DST, r.to.Addr().AsSlice()))
	}
	if r.via.IsValid() {
		parts = append(parts, nl.NewRtAttr(unix.RTA_GATEWAY, r.via.AsSlice()))
	} else if r.to.Addr().Is4() {
		h.Scope = unix.RT_SCOPE_LINK
	}
	if r.source.IsValid() {
		parts = append(parts, nl.NewRtAttr(unix.RTA_PREFSRC, r.source.AsSlice()))
	}
	s.change(unix.RTM_NEWROUTE, unix.NLM_F_CREATE|flags, refused, parts...)
}

// way asks how packets to an address leave; found gets the kind of the route
// and the number of the device. Where none leads there is no answer.
func (s *socket) way(to netip.Addr, found func(kind byte, device int)) {
	h := &nl.RtMsg{RtMsg: unix.RtMsg{Family: uint8(family(to)), Dst_len: uint8(to.BitLen())}}
	s.ask(unix.RTM_GETROUTE, nil, func(data []byte) {
		attributes, err := nl.ParseRouteAttr(data[min(len(data), unix.SizeofRtMsg):])
		if err != nil || len(data) < unix.SizeofRtMsg {
			return
		}
		for _, a := range attributes {
			if a.Attr.Type == unix.RTA_OIF && len(a.Value) >= 4 {
				found(nl.DeserializeRtMsg(data).Type, int(nl.NativeEndian().Uint32(a.Value)))
			}
		}
	}, h, nl.NewRtAttr(unix.RTA_DST, to.AsSlice()))
}

// free refuses the link's addresses that the host itself has. It only asks; the
// next exchange answers.
func (w *work) free(l *link) {
	for _, p := range l.prefixes() {
		a := p.Addr()
		w.host.way(a, func(kind byte, _ int) {
			if kind == unix.RTN_LOCAL && l.refused == nil {
				l.refused = &setup.Error{
					Step: "network", Target: l.Name, Detail: "address " + a.String() + " is taken by the host itself",
					Hint: "give the jail another",
				}
			}
		})
	}
}
