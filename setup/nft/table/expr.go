package table

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup/netattr"
)

// A Match is a part of a rule: what a packet must be like, or what happens to
// it. It is a list of expressions as the kernel reads them; two that are
// appended are one.
type Match []byte

// Registers of the rules' machine; each holds 16 bytes.
const (
	verdict = unix.NFT_REG_VERDICT
	reg     = unix.NFT_REG_1
	reg2    = unix.NFT_REG_2
)

// Accept lets a packet pass this chain.
func Accept() Match { return decide(1, "") } // NF_ACCEPT

// Drop makes a packet vanish.
func Drop() Match { return decide(0, "") } // NF_DROP

// Goto leaves the chain for another, for good.
func Goto(chain string) Match { return decide(unix.NFT_GOTO, chain) }

func decide(code int32, chain string) Match {
	return newMatch().expr("immediate", func(b []byte) []byte {
		b = netattr.Number(b, unix.NFTA_IMMEDIATE_DREG, verdict)
		at := len(b)
		b = netattr.Open(b, unix.NFTA_IMMEDIATE_DATA)
		inner := len(b)
		b = netattr.Open(b, unix.NFTA_DATA_VERDICT)
		b = netattr.Number(b, unix.NFTA_VERDICT_CODE, uint32(code))
		if chain != "" {
			b = netattr.Text(b, unix.NFTA_VERDICT_CHAIN, chain)
		}
		netattr.Shut(b, inner)
		netattr.Shut(b, at)
		return b
	})
}

// Reset refuses a TCP connection at once.
func Reset() Match {
	return newMatch().numbers("reject", unix.NFTA_REJECT_TYPE, unix.NFT_REJECT_TCP_RST)
}

// Unreachable refuses anything at once.
func (b *Batch) Unreachable() Match {
	kind, code := uint32(unix.NFT_REJECT_ICMP_UNREACH), byte(icmpPacketFiltered)
	if b.family == Both {
		kind, code = unix.NFT_REJECT_ICMPX_UNREACH, unix.NFT_REJECT_ICMPX_ADMIN_PROHIBITED
	}
	return newMatch().expr("reject", func(b []byte) []byte {
		return netattr.Value(netattr.Number(b, unix.NFTA_REJECT_TYPE, kind), unix.NFTA_REJECT_ICMP_CODE, code)
	})
}

const icmpPacketFiltered = 13 // ICMP_PKT_FILTERED: administratively prohibited (RFC 1812)

// From matches the interface that a packet came in by.
func From(link string) Match { return meta(unix.NFT_META_IIFNAME, unix.NFT_CMP_EQ, linkName(link)...) }

// NotFrom matches every other interface.
func NotFrom(link string) Match {
	return meta(unix.NFT_META_IIFNAME, unix.NFT_CMP_NEQ, linkName(link)...)
}

// To matches the interface that a packet goes out by.
func To(link string) Match { return meta(unix.NFT_META_OIFNAME, unix.NFT_CMP_EQ, linkName(link)...) }

// NotTo matches every other interface.
func NotTo(link string) Match {
	return meta(unix.NFT_META_OIFNAME, unix.NFT_CMP_NEQ, linkName(link)...)
}

// Protocol matches IPPROTO_TCP and the like.
func Protocol(number byte) Match { return meta(unix.NFT_META_L4PROTO, unix.NFT_CMP_EQ, number) }

// Port matches the destination port of a TCP or UDP packet.
func Port(port uint16) Match {
	return newMatch().load(unix.NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2).compare(unix.NFT_CMP_EQ, byte(port>>8), byte(port))
}

// Source matches the address that a packet comes from by its prefix, and with
// it the family.
func Source(p netip.Prefix) Match { return address(p, 12, 8) }

// Destination matches the address that a packet goes to.
func Destination(p netip.Prefix) Match { return address(p, 16, 24) }

func address(p netip.Prefix, offset4, offset6 uint32) Match {
	offset, family := offset4, byte(unix.NFPROTO_IPV4)
	if p.Addr().Is6() {
		offset, family = offset6, unix.NFPROTO_IPV6
	}
	ip := p.Masked().Addr().AsSlice()
	m := meta(unix.NFT_META_NFPROTO, unix.NFT_CMP_EQ, family).load(unix.NFT_PAYLOAD_NETWORK_HEADER, offset, uint32(len(ip)))
	if p.Bits() < p.Addr().BitLen() {
		m = m.and(mask(p.Bits(), len(ip)))
	}
	return m.compare(unix.NFT_CMP_EQ, ip...)
}

func mask(bits, size int) []byte {
	m := make([]byte, size)
	for i := range bits {
		m[i/8] |= 0x80 >> (i % 8)
	}
	return m
}

// Answer matches packets of known connections, and errors about them.
func Answer() Match { return track(unix.NFT_CT_STATE, 0x2|0x4) } // ESTABLISHED, RELATED

func track(key, bits uint32) Match {
	m := newMatch().numbers("ct", unix.NFTA_CT_DREG, reg, unix.NFTA_CT_KEY, key)
	return m.and(binary.NativeEndian.AppendUint32(nil, bits)).compare(unix.NFT_CMP_NEQ, 0, 0, 0, 0)
}

// Neighbour matches the messages by which IPv6 finds its neighbours (RFC 4861),
// without which no address can be reached.
func Neighbour() Match {
	m := Protocol(unix.IPPROTO_ICMPV6).load(unix.NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1)
	return m.compare(unix.NFT_CMP_GTE, 133).compare(unix.NFT_CMP_LTE, 137)
}

// ToHost matches packets to any address of the host itself.
func ToHost() Match {
	m := newMatch().numbers(
		"fib",
		unix.NFTA_FIB_DREG, reg,
		unix.NFTA_FIB_RESULT, unix.NFT_FIB_RESULT_ADDRTYPE,
		unix.NFTA_FIB_FLAGS, unix.NFTA_FIB_F_DADDR,
	)
	return m.compare(unix.NFT_CMP_EQ, binary.NativeEndian.AppendUint32(nil, unix.RTN_LOCAL)...)
}

// Redirect leads a connection to another address and port.
func Redirect(to netip.AddrPort) Match {
	family := uint32(unix.NFPROTO_IPV4)
	if to.Addr().Is6() {
		family = unix.NFPROTO_IPV6
	}
	m := newMatch().immediate(reg, to.Addr().AsSlice()...)
	return m.immediate(reg2, byte(to.Port()>>8), byte(to.Port())).numbers(
		"nat",
		unix.NFTA_NAT_TYPE, unix.NFT_NAT_DNAT,
		unix.NFTA_NAT_FAMILY, family,
		unix.NFTA_NAT_REG_ADDR_MIN, reg,
		unix.NFTA_NAT_REG_PROTO_MIN, reg2,
	)
}

// Masquerade gives a connection the address of the interface it leaves by.
func Masquerade() Match { return newMatch().numbers("masq") }

func meta(key, op uint32, v ...byte) Match {
	return newMatch().numbers("meta", unix.NFTA_META_DREG, reg, unix.NFTA_META_KEY, key).compare(op, v...)
}

// newMatch has room for what most rules say, so that it isn't moved.
func newMatch() Match { return make(Match, 0, 256) }

func (m Match) load(base, offset, size uint32) Match {
	return m.numbers(
		"payload",
		unix.NFTA_PAYLOAD_DREG, reg,
		unix.NFTA_PAYLOAD_BASE, base,
		unix.NFTA_PAYLOAD_OFFSET, offset,
		unix.NFTA_PAYLOAD_LEN, size,
	)
}

func (m Match) compare(op uint32, v ...byte) Match {
	return m.expr("cmp", func(b []byte) []byte {
		b = netattr.Number(b, unix.NFTA_CMP_SREG, reg)
		b = netattr.Number(b, unix.NFTA_CMP_OP, op)
		return data(b, unix.NFTA_CMP_DATA, v)
	})
}

func (m Match) and(mask []byte) Match {
	return m.expr("bitwise", func(b []byte) []byte {
		b = netattr.Number(b, unix.NFTA_BITWISE_SREG, reg)
		b = netattr.Number(b, unix.NFTA_BITWISE_DREG, reg)
		b = netattr.Number(b, unix.NFTA_BITWISE_LEN, uint32(len(mask)))
		b = data(b, unix.NFTA_BITWISE_MASK, mask)
		return data(b, unix.NFTA_BITWISE_XOR, make([]byte, len(mask)))
	})
}

func (m Match) immediate(to uint32, v ...byte) Match {
	return m.expr("immediate", func(b []byte) []byte {
		return data(netattr.Number(b, unix.NFTA_IMMEDIATE_DREG, to), unix.NFTA_IMMEDIATE_DATA, v)
	})
}

// numbers appends an expression whose parameters, pairs of kind and value, are
// all numbers.
func (m Match) numbers(name string, pairs ...uint32) Match {
	return m.expr(name, func(b []byte) []byte {
		for i := 0; i < len(pairs); i += 2 {
			b = netattr.Number(b, uint16(pairs[i]), pairs[i+1])
		}
		return b
	})
}

// expr appends an expression with the parameters that write appends.
func (m Match) expr(name string, write func([]byte) []byte) Match {
	at := len(m)
	b := netattr.Text(netattr.Open(m, unix.NFTA_LIST_ELEM), unix.NFTA_EXPR_NAME, name)
	inner := len(b)
	b = write(netattr.Open(b, unix.NFTA_EXPR_DATA))
	netattr.Shut(b, inner)
	netattr.Shut(b, at)
	return b
}

func data(b []byte, kind uint16, v []byte) []byte {
	at := len(b)
	b = netattr.Value(netattr.Open(b, kind), unix.NFTA_DATA_VALUE, v...)
	netattr.Shut(b, at)
	return b
}

func linkName(s string) []byte { return append([]byte(s), make([]byte, unix.IFNAMSIZ-len(s))...) }
