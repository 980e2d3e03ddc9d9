package table

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

// A Match is a part of a rule: what a packet must be like, or what happens to
// it.
type Match [][]byte

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
	v := number(unix.NFTA_VERDICT_CODE, uint32(code))
	if chain != "" {
		v = append(v, text(unix.NFTA_VERDICT_CHAIN, chain)...)
	}
	return Match{expr(
		"immediate",
		number(unix.NFTA_IMMEDIATE_DREG, verdict),
		nested(unix.NFTA_IMMEDIATE_DATA, nested(unix.NFTA_DATA_VERDICT, v)),
	)}
}

// Reset refuses a TCP connection at once.
func Reset() Match {
	return Match{expr("reject", number(unix.NFTA_REJECT_TYPE, unix.NFT_REJECT_TCP_RST))}
}

// Unreachable refuses anything at once.
func (b *Batch) Unreachable() Match {
	kind, code := uint32(unix.NFT_REJECT_ICMP_UNREACH), byte(icmpPacketFiltered)
	if b.family == Both {
		kind, code = unix.NFT_REJECT_ICMPX_UNREACH, unix.NFT_REJECT_ICMPX_ADMIN_PROHIBITED
	}
	return Match{expr("reject", number(unix.NFTA_REJECT_TYPE, kind), attribute(unix.NFTA_REJECT_ICMP_CODE, []byte{code}))}
}

const icmpPacketFiltered = 13 // ICMP_PKT_FILTERED: administratively prohibited (RFC 1812)

// From matches the interface that a packet came in by.
func From(link string) Match { return meta(unix.NFT_META_IIFNAME, unix.NFT_CMP_EQ, linkName(link)) }

// NotFrom matches every other interface.
func NotFrom(link string) Match { return meta(unix.NFT_META_IIFNAME, unix.NFT_CMP_NEQ, linkName(link)) }

// To matches the interface that a packet goes out by.
func To(link string) Match { return meta(unix.NFT_META_OIFNAME, unix.NFT_CMP_EQ, linkName(link)) }

// NotTo matches every other interface.
func NotTo(link string) Match { return meta(unix.NFT_META_OIFNAME, unix.NFT_CMP_NEQ, linkName(link)) }

// Protocol matches IPPROTO_TCP and the like.
func Protocol(number byte) Match { return meta(unix.NFT_META_L4PROTO, unix.NFT_CMP_EQ, []byte{number}) }

// Port matches the destination port of a TCP or UDP packet.
func Port(port uint16) Match {
	return Match{load(unix.NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2), compare(unix.NFT_CMP_EQ, binary.BigEndian.AppendUint16(nil, port))}
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
	m := append(meta(unix.NFT_META_NFPROTO, unix.NFT_CMP_EQ, []byte{family}), load(unix.NFT_PAYLOAD_NETWORK_HEADER, offset, uint32(len(ip))))
	if p.Bits() < p.Addr().BitLen() {
		m = append(m, and(mask(p.Bits(), len(ip))))
	}
	return append(m, compare(unix.NFT_CMP_EQ, ip))
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

// Translated matches packets of connections whose destination was changed.
func Translated() Match { return track(unix.NFT_CT_STATUS, 0x20) } // IPS_DST_NAT

func track(key, bits uint32) Match {
	value := binary.NativeEndian.AppendUint32(nil, bits)
	return Match{
		expr("ct", number(unix.NFTA_CT_DREG, reg), number(unix.NFTA_CT_KEY, key)),
		and(value),
		compare(unix.NFT_CMP_NEQ, make([]byte, 4)),
	}
}

// Neighbour matches the messages by which IPv6 finds its neighbours (RFC 4861),
// without which no address can be reached.
func Neighbour() Match {
	return append(
		Protocol(unix.IPPROTO_ICMPV6),
		load(unix.NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1),
		compare(unix.NFT_CMP_GTE, []byte{133}),
		compare(unix.NFT_CMP_LTE, []byte{137}),
	)
}

// ToHost matches packets to any address of the host itself.
func ToHost() Match {
	return Match{
		expr(
			"fib",
			number(unix.NFTA_FIB_DREG, reg),
			number(unix.NFTA_FIB_RESULT, unix.NFT_FIB_RESULT_ADDRTYPE),
			number(unix.NFTA_FIB_FLAGS, unix.NFTA_FIB_F_DADDR),
		),
		compare(unix.NFT_CMP_EQ, binary.NativeEndian.AppendUint32(nil, unix.RTN_LOCAL)),
	}
}

// Redirect leads a connection to another address and port.
func Redirect(to netip.AddrPort) Match {
	family := uint32(unix.NFPROTO_IPV4)
	if to.Addr().Is6() {
		family = unix.NFPROTO_IPV6
	}
	return Match{
		immediate(reg, to.Addr().AsSlice()),
		immediate(reg2, binary.BigEndian.AppendUint16(nil, to.Port())),
		expr(
			"nat",
			number(unix.NFTA_NAT_TYPE, unix.NFT_NAT_DNAT),
			number(unix.NFTA_NAT_FAMILY, family),
			number(unix.NFTA_NAT_REG_ADDR_MIN, reg),
			number(unix.NFTA_NAT_REG_PROTO_MIN, reg2),
		),
	}
}

// Masquerade gives a connection the address of the interface it leaves by.
func Masquerade() Match { return Match{expr("masq")} }

func meta(key, op uint32, value []byte) Match {
	return Match{
		expr("meta", number(unix.NFTA_META_DREG, reg), number(unix.NFTA_META_KEY, key)),
		compare(op, value),
	}
}

func load(base, offset, size uint32) []byte {
	return expr(
		"payload",
		number(unix.NFTA_PAYLOAD_DREG, reg),
		number(unix.NFTA_PAYLOAD_BASE, base),
		number(unix.NFTA_PAYLOAD_OFFSET, offset),
		number(unix.NFTA_PAYLOAD_LEN, size),
	)
}

func compare(op uint32, value []byte) []byte {
	return expr(
		"cmp",
		number(unix.NFTA_CMP_SREG, reg),
		number(unix.NFTA_CMP_OP, op),
		nested(unix.NFTA_CMP_DATA, attribute(unix.NFTA_DATA_VALUE, value)),
	)
}

func and(mask []byte) []byte {
	return expr(
		"bitwise",
		number(unix.NFTA_BITWISE_SREG, reg),
		number(unix.NFTA_BITWISE_DREG, reg),
		number(unix.NFTA_BITWISE_LEN, uint32(len(mask))),
		nested(unix.NFTA_BITWISE_MASK, attribute(unix.NFTA_DATA_VALUE, mask)),
		nested(unix.NFTA_BITWISE_XOR, attribute(unix.NFTA_DATA_VALUE, make([]byte, len(mask)))),
	)
}

func immediate(to uint32, value []byte) []byte {
	return expr(
		"immediate",
		number(unix.NFTA_IMMEDIATE_DREG, to),
		nested(unix.NFTA_IMMEDIATE_DATA, attribute(unix.NFTA_DATA_VALUE, value)),
	)
}

func expr(name string, attributes ...[]byte) []byte {
	return append(text(unix.NFTA_EXPR_NAME, name), nested(unix.NFTA_EXPR_DATA, attributes...)...)
}

func linkName(s string) []byte { return append([]byte(s), make([]byte, unix.IFNAMSIZ-len(s))...) }
