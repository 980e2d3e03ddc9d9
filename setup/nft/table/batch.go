// Package table writes nf_tables rules as the kernel reads them. It makes no
// system call; setup/nft installs what it wrote.
//
// Each table has NFT_TABLE_F_OWNER (Linux 5.12), which google/nftables can't
// set; that library would also cost every start of jailspawn 0.2 ms.
package table

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup/netattr"
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
// once or not at all. It is written in place, as each page of memory that a
// jail's start touches takes time.
type Batch struct {
	table  string
	family Family
	buf    []byte
	last   int // where the last object starts
	start  int // where the message that is being written starts
	count  uint32
}

// NewBatch starts a batch that makes the table.
func NewBatch(table string, f Family) *Batch { return newBatch(table, f, ownerFlag) }

// Idle is a table without rules that uses the hooks of which the kernel knows
// connections, as each table with [Answer] makes it do. It belongs to nobody and
// lasts as long as its network namespace.
func Idle(table string, f Family) []byte {
	b := newBatch(table, f, 0)
	b.Base("arriving", Arriving)
	b.Base("received", Received)
	b.Base("sent", Sent)
	b.Base("leaving", Leaving)
	return b.Bytes()
}

func newBatch(table string, f Family, flags uint32) *Batch {
	b := &Batch{table: table, family: f, buf: make([]byte, 0, 4<<10)}
	b.begin(unix.NFNL_MSG_BATCH_BEGIN, 0, unix.AF_UNSPEC, unix.NFNL_SUBSYS_NFTABLES)
	b.end()
	b.object(unix.NFT_MSG_NEWTABLE)
	b.buf = netattr.Text(b.buf, unix.NFTA_TABLE_NAME, table)
	b.buf = netattr.Number(b.buf, unix.NFTA_TABLE_FLAGS, flags)
	b.end()
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

// The hooks that we use. Connections are known from -200 on, and addresses are
// translated at -100 and 100. There is none at NF_INET_FORWARD: while it is the
// only one there, to take it into use and out again has the kernel rewrite its
// code, which takes a start up to a millisecond.
var (
	Arriving = Hook{"filter", unix.NF_INET_PRE_ROUTING, -150}
	Passing  = Hook{"filter", unix.NF_INET_PRE_ROUTING, -149}
	Received = Hook{"filter", unix.NF_INET_LOCAL_IN, 0}
	Sent     = Hook{"filter", unix.NF_INET_LOCAL_OUT, 0}
	Leaving  = Hook{"filter", unix.NF_INET_POST_ROUTING, 0}
	NATIn    = Hook{"nat", unix.NF_INET_PRE_ROUTING, -100}
	NATLocal = Hook{"nat", unix.NF_INET_LOCAL_OUT, -100}
	NATOut   = Hook{"nat", unix.NF_INET_POST_ROUTING, 100}
)

// Chain adds a chain that other chains jump to.
func (b *Batch) Chain(name string) {
	b.chain(name)
	b.end()
}

func (b *Batch) chain(name string) {
	b.object(unix.NFT_MSG_NEWCHAIN)
	b.buf = netattr.Text(b.buf, unix.NFTA_CHAIN_TABLE, b.table)
	b.buf = netattr.Text(b.buf, unix.NFTA_CHAIN_NAME, name)
}

// Base adds a chain that sees the packets of a hook, and accepts those that no
// rule decides on.
func (b *Batch) Base(name string, h Hook) {
	b.chain(name)
	b.buf = netattr.Text(b.buf, unix.NFTA_CHAIN_TYPE, h.Type)
	at := len(b.buf)
	b.buf = netattr.Open(b.buf, unix.NFTA_CHAIN_HOOK)
	b.buf = netattr.Number(b.buf, unix.NFTA_HOOK_HOOKNUM, h.Number)
	b.buf = netattr.Number(b.buf, unix.NFTA_HOOK_PRIORITY, uint32(h.Priority))
	netattr.Shut(b.buf, at)
	b.end()
}

// Rule adds a rule to the end of a chain.
func (b *Batch) Rule(chain string, parts ...Match) {
	b.object(unix.NFT_MSG_NEWRULE)
	b.buf = netattr.Text(b.buf, unix.NFTA_RULE_TABLE, b.table)
	b.buf = netattr.Text(b.buf, unix.NFTA_RULE_CHAIN, chain)
	at := len(b.buf)
	b.buf = netattr.Open(b.buf, unix.NFTA_RULE_EXPRESSIONS)
	for _, p := range parts {
		b.buf = append(b.buf, p...)
	}
	netattr.Shut(b.buf, at)
	b.end()
}

// Bytes ends the batch and returns it. The kernel acknowledges the last object,
// and with it all.
func (b *Batch) Bytes() []byte {
	binary.NativeEndian.PutUint16(b.buf[b.last+6:], unix.NLM_F_REQUEST|unix.NLM_F_CREATE|unix.NLM_F_APPEND|unix.NLM_F_ACK)
	b.begin(unix.NFNL_MSG_BATCH_END, 0, unix.AF_UNSPEC, unix.NFNL_SUBSYS_NFTABLES)
	b.end()
	return b.buf
}

func (b *Batch) object(kind uint16) {
	b.last = len(b.buf)
	b.begin(unix.NFNL_SUBSYS_NFTABLES<<8|kind, unix.NLM_F_CREATE|unix.NLM_F_APPEND, byte(b.family), 0)
}

// begin starts a netlink message with the header of nfnetlink; end follows when
// its attributes are written.
func (b *Batch) begin(kind, flags uint16, family byte, resource uint16) {
	b.start = len(b.buf)
	b.buf = binary.NativeEndian.AppendUint32(b.buf, 0)
	b.buf = binary.NativeEndian.AppendUint16(b.buf, kind)
	b.buf = binary.NativeEndian.AppendUint16(b.buf, unix.NLM_F_REQUEST|flags)
	b.buf = binary.NativeEndian.AppendUint32(b.buf, b.count)
	b.buf = binary.NativeEndian.AppendUint32(b.buf, 0)
	b.buf = append(b.buf, family, unix.NFNETLINK_V0)
	b.buf = binary.BigEndian.AppendUint16(b.buf, resource)
	b.count++
}

func (b *Batch) end() {
	binary.NativeEndian.PutUint32(b.buf[b.start:], uint32(len(b.buf)-b.start))
}
