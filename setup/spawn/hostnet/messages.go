package hostnet

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup/netattr"
)

// The parts of rtnetlink(7) requests, which are appended to the last that was
// queued.

const fresh = unix.NLM_F_CREATE | unix.NLM_F_EXCL

func (s *socket) value(kind uint16, v ...byte)   { s.out = netattr.Value(s.out, kind, v...) }
func (s *socket) word(kind uint16, n uint32)     { s.out = netattr.Word(s.out, kind, n) }
func (s *socket) text(kind uint16, value string) { s.out = netattr.Text(s.out, kind, value) }

// nest writes an attribute of attributes.
func (s *socket) nest(kind uint16, write func()) {
	at := len(s.out)
	s.out = netattr.Open(s.out, kind)
	write()
	netattr.Shut(s.out, at)
}

// link is the header of a message about a link (ifinfomsg), by its number or,
// if that is 0, by the name that follows.
func (s *socket) link(index int, flags uint32) {
	s.out = append(s.out, unix.AF_UNSPEC, 0, 0, 0)
	s.out = binary.NativeEndian.AppendUint32(s.out, uint32(index))
	s.out = binary.NativeEndian.AppendUint32(s.out, flags)
	s.out = binary.NativeEndian.AppendUint32(s.out, flags) // the flags that change
}

// up brings a link up.
func (s *socket) up(index int, refused func(error) error) {
	s.change(unix.RTM_NEWLINK, 0, refused)
	s.link(index, unix.IFF_UP)
}

// named is the beginning of a new link.
func (s *socket) named(name string) {
	s.link(0, 0)
	s.text(unix.IFLA_IFNAME, name)
}

// traits are what is chosen for a new link where the plan says so.
func (s *socket) traits(l *link) {
	if mac := l.mac(); mac != nil {
		s.value(unix.IFLA_ADDRESS, mac...)
	}
	if l.MTU != 0 {
		s.word(unix.IFLA_MTU, l.MTU)
	}
}

// kind describes a kind of virtual link (ip-link(8)).
func (s *socket) kind(name string, data func()) {
	s.nest(unix.IFLA_LINKINFO, func() {
		s.value(unix.IFLA_INFO_KIND, []byte(name)...)
		s.nest(unix.IFLA_INFO_DATA, data)
	})
}

// What the files below /proc/sys/net/ipv4/conf are in messages (linux/ip.h).
const (
	forwarding    = 1
	routeLocalnet = 26
)

// settings4 sets such to 1.
func (s *socket) settings4(which ...uint16) {
	s.nest(unix.IFLA_AF_SPEC, func() {
		s.nest(unix.AF_INET, func() {
			s.nest(unix.IFLA_INET_CONF, func() {
				for _, w := range which {
					s.word(w, 1)
				}
			})
		})
	})
}

func family(a netip.Addr) byte {
	if a.Is6() {
		return unix.AF_INET6
	}
	return unix.AF_INET
}

// address adds one to a link. It is used at once, without duplicate address
// detection; other flags are those of rtnetlink(7).
func (s *socket) address(index int, p netip.Prefix, flags uint32, refused func(error) error) {
	s.change(unix.RTM_NEWADDR, fresh, refused)
	s.out = append(s.out, family(p.Addr()), byte(p.Bits()), 0, unix.RT_SCOPE_UNIVERSE)
	s.out = binary.NativeEndian.AppendUint32(s.out, uint32(index))
	ip := p.Addr().AsSlice()
	s.value(unix.IFA_LOCAL, ip...)
	s.value(unix.IFA_ADDRESS, ip...)
	s.word(unix.IFA_FLAGS, flags|unix.IFA_F_NODAD)
	if p.Addr().Is4() && p.Bits() < 31 {
		cast := p.Masked().Addr().As4()
		for bit := p.Bits(); bit < 32; bit++ {
			cast[bit/8] |= 0x80 >> (bit % 8)
		}
		s.value(unix.IFA_BROADCAST, cast[:]...)
	}
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
	s.change(unix.RTM_NEWROUTE, unix.NLM_F_CREATE|flags, refused)
	scope := byte(unix.RT_SCOPE_UNIVERSE)
	if !r.via.IsValid() && r.to.Addr().Is4() {
		scope = unix.RT_SCOPE_LINK
	}
	s.routeHeader(r.to, unix.RT_TABLE_MAIN, unix.RTPROT_BOOT, scope, unix.RTN_UNICAST, 0)
	s.word(unix.RTA_OIF, uint32(r.index))
	if r.to.Bits() > 0 {
		s.value(unix.RTA_DST, r.to.Addr().AsSlice()...)
	}
	if r.via.IsValid() {
		s.value(unix.RTA_GATEWAY, r.via.AsSlice()...)
	}
	if r.source.IsValid() {
		s.value(unix.RTA_PREFSRC, r.source.AsSlice()...)
	}
}

func (s *socket) routeHeader(to netip.Prefix, table, protocol, scope, kind byte, flags uint32) {
	s.out = append(s.out, family(to.Addr()), byte(to.Bits()), 0, 0, table, protocol, scope, kind)
	s.out = binary.NativeEndian.AppendUint32(s.out, flags)
}

// way asks for the route that packets to an address take; found gets its kind,
// the length of its prefix and the number of the device, 0 if there are several.
// Where no route leads there is no answer.
func (s *socket) way(to netip.Addr, found func(kind, bits byte, device int)) {
	s.ask(unix.RTM_GETROUTE, nil, func(data []byte) {
		if len(data) < unix.SizeofRtMsg {
			return
		}
		device := 0
		attributes(data, unix.SizeofRtMsg, func(kind uint16, value []byte) {
			if kind == unix.RTA_OIF && len(value) >= 4 {
				device = int(binary.NativeEndian.Uint32(value))
			}
		})
		found(data[7], data[1], device)
	})
	s.routeHeader(single(to), 0, 0, 0, 0, unix.RTM_F_FIB_MATCH)
	s.value(unix.RTA_DST, to.AsSlice()...)
}

// attributes calls found with each attribute that follows the header of an
// answer.
func attributes(data []byte, header int, found func(kind uint16, value []byte)) {
	for rest := data[min(len(data), header):]; ; {
		kind, value, more := netattr.Next(rest)
		if more == nil {
			return
		}
		found(kind, value)
		rest = more
	}
}

// A seenLink is what the kernel tells of a link.
type seenLink struct {
	index, peer int // peer is the other end of a pair
	name, kind  string
}

// look asks for a link, by its number or, if that is 0, by its name.
func (s *socket) look(index int, name string, refused func(error) error, seen *seenLink) {
	s.ask(unix.RTM_GETLINK, refused, func(data []byte) {
		if len(data) < unix.SizeofIfInfomsg {
			return
		}
		seen.index = int(binary.NativeEndian.Uint32(data[4:]))
		attributes(data, unix.SizeofIfInfomsg, func(kind uint16, value []byte) {
			switch {
			case kind == unix.IFLA_IFNAME:
				seen.name = unix.ByteSliceToString(value)
			case kind == unix.IFLA_LINK && len(value) >= 4:
				seen.peer = int(binary.NativeEndian.Uint32(value))
			case kind == unix.IFLA_LINKINFO:
				attributes(value, 0, func(kind uint16, value []byte) {
					if kind == unix.IFLA_INFO_KIND {
						seen.kind = unix.ByteSliceToString(value)
					}
				})
			}
		})
	})
	s.link(index, 0)
	if index == 0 {
		s.text(unix.IFLA_IFNAME, name)
	}
}
