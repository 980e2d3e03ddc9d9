// Package table writes nf_tables rules as the kernel reads them. It makes no
// system call; setup/nft installs what it wrote.
//
// Each table has NFT_TABLE_F_OWNER (Linux 5.12), which google/nftables can't
// set; that library would also cost every start of jailspawn 0.2 ms.
package table

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

const ownerFlag = 0x2 // NFT_TABLE_F_OWNER

// A Family says which packets a table sees.
type Family byte

// The families of tables.
const (
	IPv4 Family = unix.NFPROTO_IPV4
	Both Family = unix.NFPROTO_INET // IPv4 and IPv6
)

// A Batch is one table with its chains and rules, which come into force all at
// once or not at all.
type Batch struct {
	table  string
	family Family
	buf    []byte
	last   int // where the last message starts
	count  uint32
}

// NewBatch starts a batch that makes the table.
func NewBatch(table string, f Family) *Batch {
	b := &Batch{table: table, family: f, buf: make([]byte, 0, 4<<10)}
	b.message(unix.NFNL_MSG_BATCH_BEGIN, 0, unix.AF_UNSPEC, unix.NFNL_SUBSYS_NFTABLES)
	b.object(
		unix.NFT_MSG_NEWTABLE,
		text(unix.NFTA_TABLE_NAME, table),
		number(unix.NFTA_TABLE_FLAGS, ownerFlag),
	)
	return b
}

// Has6 reports whether the table sees packets of IPv6.
func (b *Batch) Has6() bool { return b.family == Both }

// A Hook is where the packets of a base chain come from (nft(8)).
type Hook struct {
	Type     string // filter or nat
	Number   uint32 // NF_INET_*
	Priority int32
}

// The hooks that we use. Addresses are translated at -100 and 100.
var (
	Arriving  = Hook{"filter", unix.NF_INET_PRE_ROUTING, -150}
	Forwarded = Hook{"filter", unix.NF_INET_FORWARD, 0}
	Received  = Hook{"filter", unix.NF_INET_LOCAL_IN, 0}
	Sent      = Hook{"filter", unix.NF_INET_LOCAL_OUT, 0}
	NATIn     = Hook{"nat", unix.NF_INET_PRE_ROUTING, -100}
	NATLocal  = Hook{"nat", unix.NF_INET_LOCAL_OUT, -100}
	NATOut    = Hook{"nat", unix.NF_INET_POST_ROUTING, 100}
)

// Chain adds a chain that other chains jump to.
func (b *Batch) Chain(name string) {
	b.object(unix.NFT_MSG_NEWCHAIN, text(unix.NFTA_CHAIN_TABLE, b.table), text(unix.NFTA_CHAIN_NAME, name))
}

// Base adds a chain that sees the packets of a hook, and accepts those that no
// rule decides on.
func (b *Batch) Base(name string, h Hook) {
	b.object(
		unix.NFT_MSG_NEWCHAIN,
		text(unix.NFTA_CHAIN_TABLE, b.table),
		text(unix.NFTA_CHAIN_NAME, name),
		text(unix.NFTA_CHAIN_TYPE, h.Type),
		nested(
			unix.NFTA_CHAIN_HOOK,
			number(unix.NFTA_HOOK_HOOKNUM, h.Number),
			number(unix.NFTA_HOOK_PRIORITY, uint32(h.Priority)),
		),
	)
}

// Rule adds a rule to the end of a chain.
func (b *Batch) Rule(chain string, parts ...Match) {
	var list []byte
	for _, p := range parts {
		for _, e := range p {
			list = append(list, nested(unix.NFTA_LIST_ELEM, e)...)
		}
	}
	b.object(
		unix.NFT_MSG_NEWRULE,
		text(unix.NFTA_RULE_TABLE, b.table),
		text(unix.NFTA_RULE_CHAIN, chain),
		nested(unix.NFTA_RULE_EXPRESSIONS, list),
	)
}

// Bytes ends the batch and returns it. The kernel acknowledges the last object,
// and with it all.
func (b *Batch) Bytes() []byte {
	binary.NativeEndian.PutUint16(b.buf[b.last+6:], unix.NLM_F_REQUEST|unix.NLM_F_CREATE|unix.NLM_F_APPEND|unix.NLM_F_ACK)
	b.message(unix.NFNL_MSG_BATCH_END, 0, unix.AF_UNSPEC, unix.NFNL_SUBSYS_NFTABLES)
	return b.buf
}

func (b *Batch) object(kind uint16, attributes ...[]byte) {
	b.last = len(b.buf)
	b.message(unix.NFNL_SUBSYS_NFTABLES<<8|kind, unix.NLM_F_CREATE|unix.NLM_F_APPEND, byte(b.family), 0, attributes...)
}

// message appends a netlink message with the header of nfnetlink.
func (b *Batch) message(kind, flags uint16, family byte, resource uint16, attributes ...[]byte) {
	start := len(b.buf)
	b.buf = binary.NativeEndian.AppendUint32(b.buf, 0)
	b.buf = binary.NativeEndian.AppendUint16(b.buf, kind)
	b.buf = binary.NativeEndian.AppendUint16(b.buf, unix.NLM_F_REQUEST|flags)
	b.buf = binary.NativeEndian.AppendUint32(b.buf, b.count)
	b.buf = binary.NativeEndian.AppendUint32(b.buf, 0)
	b.buf = append(b.buf, family, unix.NFNETLINK_V0)
	b.buf = binary.BigEndian.AppendUint16(b.buf, resource)
	for _, a := range attributes {
		b.buf = append(b.buf, a...)
	}
	binary.NativeEndian.PutUint32(b.buf[start:], uint32(len(b.buf)-start))
	b.count++
}

// attribute writes one attribute, padded to four bytes (netlink(7)).
func attribute(kind uint16, value []byte) []byte {
	a := binary.NativeEndian.AppendUint16(make([]byte, 0, 4+len(value)+3), uint16(4+len(value)))
	a = binary.NativeEndian.AppendUint16(a, kind)
	a = append(a, value...)
	for len(a)%4 != 0 {
		a = append(a, 0)
	}
	return a
}

func nested(kind uint16, attributes ...[]byte) []byte {
	var all []byte
	for _, a := range attributes {
		all = append(all, a...)
	}
	return attribute(kind|unix.NLA_F_NESTED, all)
}

func text(kind uint16, s string) []byte { return attribute(kind, append([]byte(s), 0)) }

func number(kind uint16, n uint32) []byte {
	return attribute(kind, binary.BigEndian.AppendUint32(nil, n))
}
