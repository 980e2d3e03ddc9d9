package address

import (
	"encoding/binary"
	"net/netip"
)

// Offsets in struct bpf_sock_addr: what bind, connect and sendmsg are asked for,
// in network byte order.
const (
	userIP4 = 4
	userIP6 = 8
	srcIP4  = 40
	srcIP6  = 44
)

// Results of programs. noCapability is for bind alone: the port may be below
// 1024 (Linux 5.12).
const (
	refuse       = 0
	allow        = 1
	noCapability = 2
)

// A set is the addresses that a jail has.
type set struct {
	v4 []uint32
	v6 [][4]uint32
}

func newSet(addresses []netip.Addr) *set {
	s := new(set)
	for _, a := range addresses {
		if a.Is4() {
			b := a.As4()
			s.v4 = append(s.v4, binary.NativeEndian.Uint32(b[:]))
			continue
		}
		b := a.As16()
		var words [4]uint32
		for i := range words {
			words[i] = binary.NativeEndian.Uint32(b[4*i:])
		}
		s.v6 = append(s.v6, words)
	}
	return s
}

// network returns a number in network byte order.
func network(n uint32) uint32 {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], n)
	return binary.NativeEndian.Uint32(b[:])
}

// mapped is the third word of an IPv4 address within IPv6 (RFC 4291).
var mapped = network(0xffff)

// in jumps to a label if a register has one of the jail's IPv4 addresses.
func (s *set) in(p *program, r register, to string) {
	for _, a := range s.v4 {
		p.ifEqual(r, a, to)
	}
}

// in6 does so for an IPv6 address in four registers.
func (s *set) in6(p *program, words [4]register, to string) {
	for _, a := range s.v6 {
		other := p.next()
		for i, r := range words {
			p.ifOther(r, a[i], other)
		}
		p.jump(to)
		p.label(other)
	}
}

// own4 jumps to a label if a register has the wildcard or a loopback address:
// to a jail those are its own first address. It loses r0.
func own4(p *program, r register, to string) {
	p.ifEqual(r, 0, to)
	p.move(r0, r)
	p.and(r0, network(0xff000000))
	p.ifEqual(r0, network(127<<24), to)
}

// own6 does so for the wildcard and ::1, and jumps to ifMapped if an IPv4
// address lies within. It loses r0.
func own6(p *program, words [4]register, to, ifMapped string) {
	other := p.next()
	p.move(r0, words[0])
	p.or(r0, words[1])
	p.ifOther(r0, 0, other)
	p.ifEqual(words[2], mapped, ifMapped)
	p.ifOther(words[2], 0, other)
	p.ifEqual(words[3], 0, to)
	p.ifEqual(words[3], network(1), to)
	p.label(other)
}

var words6 = [4]register{r2, r3, r4, r5}

// load6 loads an IPv6 address from the context in base.
func load6(p *program, base register, offset int16) {
	for i, r := range words6 {
		p.load(r, base, offset+4*int16(i))
	}
}

// store6 stores one into the context; it loses r0.
func store6(p *program, base register, offset int16, a [4]uint32) {
	for i, n := range a {
		p.set(r0, n)
		p.store(base, offset+4*int16(i), r0)
	}
}

// bind4 lets the jail bind to its own addresses alone.
func (s *set) bind4() *program {
	p := newProgram()
	if len(s.v4) > 0 {
		p.load(r2, r1, userIP4)
		s.in(p, r2, "ok")
		own4(p, r2, "own")
		p.end(refuse)
		p.label("own")
		p.set(r2, s.v4[0])
		p.store(r1, userIP4, r2)
		p.label("ok")
		p.end(allow | noCapability)
	} else {
		p.end(refuse)
	}
	return p
}

// bind6 does so for IPv6 sockets, which can be bound to IPv4 addresses as well.
// The wildcard becomes the first IPv6 address, or else the first IPv4 one.
func (s *set) bind6() *program {
	p := newProgram()
	load6(p, r1, userIP6)
	s.in6(p, words6, "ok")
	own6(p, words6, "own", "mapped")
	p.label("refuse")
	p.end(refuse)
	p.label("own")
	if len(s.v6) > 0 {
		store6(p, r1, userIP6, s.v6[0])
		p.jump("ok")
	} else {
		p.ifOther(r5, 0, "refuse") // ::1, and the jail has no IPv6
		store6(p, r1, userIP6, [4]uint32{0, 0, mapped, s.v4[0]})
		p.jump("ok")
	}
	p.label("mapped")
	if len(s.v4) > 0 {
		s.in(p, r5, "ok")
		own4(p, r5, "mapped own")
		p.jump("refuse")
		p.label("mapped own")
		p.set(r5, s.v4[0])
		p.store(r1, userIP6+12, r5)
	} else {
		p.jump("refuse")
	}
	p.label("ok")
	p.end(allow | noCapability)
	return p
}

// connect4 gives a connection the jail's first address as its source, unless
// the socket is bound to one already, and leads loopback to it.
func (s *set) connect4() *program {
	p := newProgram()
	if len(s.v4) == 0 {
		p.end(refuse)
		return p
	}
	p.move(r6, r1)
	p.load(r2, r6, userIP4)
	own4(p, r2, "own")
	p.jump("source")
	p.label("own")
	p.set(r2, s.v4[0])
	p.store(r6, userIP4, r2)
	p.label("source")
	p.storeImm(fp, -16, uint32(afINET)) // struct sockaddr_in: the port is 0
	p.storeImm(fp, -12, s.v4[0])
	p.storeImm(fp, -8, 0)
	p.storeImm(fp, -4, 0)
	source(p, 16)
	return p
}

// connect6 does so for IPv6 sockets.
func (s *set) connect6() *program {
	p := newProgram()
	p.move(r6, r1)
	load6(p, r6, userIP6)
	own6(p, words6, "own", "mapped")
	if len(s.v6) > 0 {
		p.jump("source")
		p.label("own")
		store6(p, r6, userIP6, s.v6[0])
		p.label("source")
		sockaddr6(p, s.v6[0])
		p.jump("bind")
	} else {
		p.label("own")
		p.end(refuse)
	}
	p.label("mapped")
	if len(s.v4) > 0 {
		own4(p, r5, "mapped own")
		p.jump("mapped source")
		p.label("mapped own")
		p.set(r5, s.v4[0])
		p.store(r6, userIP6+12, r5)
		p.label("mapped source")
		sockaddr6(p, [4]uint32{0, 0, mapped, s.v4[0]})
	} else {
		p.end(refuse)
	}
	p.label("bind")
	source(p, 28)
	return p
}

// sockaddr6 makes a struct sockaddr_in6 at the beginning of the stack's last 28
// bytes.
func sockaddr6(p *program, a [4]uint32) {
	for i, n := range []uint32{uint32(afINET6), 0, a[0], a[1], a[2], a[3], 0} {
		p.storeImm(fp, int16(-28+4*i), n)
	}
}

// source binds the socket in r6 to the address at the end of the stack, size
// bytes long, and ends the program. EINVAL says that it was bound before, which
// bind4 or bind6 has seen.
func source(p *program, size int32) {
	p.move(r1, r6)
	p.stack(r2, -size)
	p.set(r3, uint32(size))
	p.call(bpfBind)
	p.ifEqual(r0, 0, "bound")
	p.ifEqual(r0, ^uint32(22)+1, "bound")
	p.end(refuse)
	p.label("bound")
	p.end(allow)
}

// sendmsg4 does for single datagrams what connect4 does for connections.
func (s *set) sendmsg4() *program {
	p := newProgram()
	if len(s.v4) == 0 {
		p.end(refuse)
		return p
	}
	p.load(r2, r1, userIP4)
	own4(p, r2, "own")
	p.jump("source")
	p.label("own")
	p.set(r2, s.v4[0])
	p.store(r1, userIP4, r2)
	p.label("source")
	p.load(r2, r1, srcIP4)
	s.in(p, r2, "ok")
	p.set(r2, s.v4[0])
	p.store(r1, srcIP4, r2)
	p.label("ok")
	p.end(allow)
	return p
}

// sendmsg6 does so for IPv6. Datagrams to IPv4 go through sendmsg4, whatever the
// socket.
func (s *set) sendmsg6() *program {
	p := newProgram()
	if len(s.v6) == 0 {
		p.end(refuse)
		return p
	}
	load6(p, r1, userIP6)
	own6(p, words6, "own", "source")
	p.jump("source")
	p.label("own")
	store6(p, r1, userIP6, s.v6[0])
	p.label("source")
	load6(p, r1, srcIP6)
	s.in6(p, words6, "ok")
	store6(p, r1, srcIP6, s.v6[0])
	p.label("ok")
	p.end(allow)
	return p
}

// create refuses the sockets that the other programs don't see into: raw ones,
// and protocols with a bind of their own (SCTP, Multipath TCP). Datagram sockets
// of ICMP are for ping(8).
func create() *program {
	const socketType, socketProtocol, raw = 8, 12, 3 // struct bpf_sock
	p := newProgram()
	p.load(r2, r1, socketType)
	p.ifEqual(r2, raw, "refuse")
	p.load(r2, r1, socketProtocol)
	for _, protocol := range []uint32{1, 6, 17, 58} {
		p.ifEqual(r2, protocol, "ok")
	}
	p.label("refuse")
	p.end(refuse)
	p.label("ok")
	p.end(allow)
	return p
}

// packets drops what doesn't bear an address of the jail: at4 and at6 are where
// it stands in the headers. It catches what no other program can, as sockets
// that listen without having been bound.
func (s *set) packets(at4, at6 uint32) *program {
	const protocol = 16 // struct __sk_buff
	p := newProgram()
	p.move(r6, r1)
	p.load(r2, r6, protocol)
	if len(s.v4) > 0 {
		p.ifEqual(r2, network16(0x0800), "v4")
	}
	if len(s.v6) > 0 {
		p.ifEqual(r2, network16(0x86dd), "v6")
	}
	p.label("refuse")
	p.end(refuse)
	if len(s.v4) > 0 {
		p.label("v4")
		header(p, at4, 4)
		p.load(r2, fp, -16)
		s.in(p, r2, "ok")
		p.jump("refuse")
	}
	if len(s.v6) > 0 {
		p.label("v6")
		header(p, at6, 16)
		load6(p, fp, -16)
		s.in6(p, words6, "ok")
		p.jump("refuse")
	}
	p.label("ok")
	p.end(allow)
	return p
}

// header copies size bytes of the packet in r6 to the stack.
func header(p *program, at, size uint32) {
	p.move(r1, r6)
	p.set(r2, at)
	p.stack(r3, -16)
	p.set(r4, size)
	p.call(skbLoadBytes)
	p.ifOther(r0, 0, "refuse")
}

func network16(n uint16) uint32 {
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], n)
	return uint32(binary.NativeEndian.Uint16(b[:]))
}
