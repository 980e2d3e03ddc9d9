package seccomp

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Offsets into struct seccomp_data (seccomp(2)). Arguments are 64-bit words;
// both architectures are little-endian, so the low half comes first.
const (
	offsetNumber = 0
	offsetArch   = 4
	offsetArgs   = 16
)

const (
	opLoad    = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	opAnd     = unix.BPF_ALU | unix.BPF_AND | unix.BPF_K
	opJump    = unix.BPF_JMP | unix.BPF_JA
	opEqual   = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	opGreater = unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K
	opAtLeast = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
	opAnyBit  = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
	opReturn  = unix.BPF_RET | unix.BPF_K

	instructionSize = 8 // struct sock_filter
	maxJump         = 255
)

type instruction struct {
	op     uint16
	jt, jf uint8
	k      uint32
}

// A label is a place in a program, counted from its end.
type label int

// A builder writes a program from its end to its start: jumps only go forward,
// so their targets are known when they are written.
type builder struct {
	code    []instruction    // the last instruction first
	returns map[Action]label // where each action is returned
}

func (b *builder) push(i instruction) label {
	b.code = append(b.code, i)
	return label(len(b.code) - 1)
}

// distance is how far a jump written next would have to go.
func (b *builder) distance(to label) int { return len(b.code) - int(to) - 1 }

// ret returns a place near by that returns the action.
func (b *builder) ret(a Action) label {
	if at, ok := b.returns[a]; ok && b.distance(at) < maxJump-8 {
		return at
	}
	if b.returns == nil {
		b.returns = map[Action]label{}
	}
	at := b.push(instruction{op: opReturn, k: uint32(a)})
	b.returns[a] = at
	return at
}

// near returns a place that leads to the label and is in reach of a
// conditional jump, even after the two instructions that may follow.
func (b *builder) near(to label) label {
	if b.distance(to) <= maxJump-2 {
		return to
	}
	return b.push(instruction{op: opJump, k: uint32(b.distance(to))})
}

// emit writes an instruction. A jump goes on at yes or no; any other goes on
// at yes.
func (b *builder) emit(op uint16, k uint32, yes, no label) label {
	if op&7 != unix.BPF_JMP {
		if d := b.distance(yes); d > 0 {
			b.push(instruction{op: opJump, k: uint32(d)})
		}
		return b.push(instruction{op: op, k: k})
	}
	yes, no = b.near(yes), b.near(no)
	return b.push(instruction{op: op, jt: uint8(b.distance(yes)), jf: uint8(b.distance(no)), k: k})
}

// search writes the binary search for the number in the accumulator.
func (b *builder) search(spans []span) label {
	if len(spans) == 1 {
		return b.decide(&spans[0].decision)
	}
	half := len(spans) / 2
	upper := b.search(spans[half:])
	lower := b.search(spans[:half])
	return b.emit(opAtLeast, spans[half].start, upper, lower)
}

// decide writes what happens to one call.
func (b *builder) decide(d *decision) label {
	next := b.ret(d.action)
	for i := len(d.branches) - 1; i >= 0; i-- {
		r := d.branches[i]
		yes := b.ret(r.action)
		for j := len(r.tests) - 1; j >= 0; j-- {
			yes = b.test(&r.tests[j], yes, next)
		}
		next = yes
	}
	return next
}

// test writes one test of an argument.
func (b *builder) test(t *test, yes, no label) label {
	low, high := uint32(offsetArgs+8*t.arg), uint32(offsetArgs+8*t.arg+4)
	valueLow, valueHigh := uint32(t.value), uint32(t.value>>32)
	half := func(offset, mask, value uint32, op uint16, yes, no label) label {
		at := b.emit(op, value, yes, no)
		if mask != ^uint32(0) && op != opAnyBit {
			at = b.emit(opAnd, mask, at, at)
		}
		return b.emit(opLoad, offset, at, at)
	}
	maskLow, maskHigh := uint32(t.mask), uint32(t.mask>>32)
	switch t.op {
	case notEqual, less, lessEqual:
		yes, no = no, yes
	}
	switch t.op {
	case equal, notEqual:
		at := half(low, maskLow, valueLow, opEqual, yes, no)
		if !t.low && (maskHigh != 0 || valueHigh != 0) {
			at = half(high, maskHigh, valueHigh, opEqual, at, no)
		}
		return at
	case anyBit:
		at := half(low, maskLow, maskLow, opAnyBit, yes, no)
		if !t.low && maskHigh != 0 {
			at = half(high, maskHigh, maskHigh, opAnyBit, yes, at)
		}
		return at
	}
	op := uint16(opGreater) // greater, and the negation of lessEqual
	if t.op == greaterEqual || t.op == less {
		op = opAtLeast
	}
	at := half(low, ^uint32(0), valueLow, op, yes, no)
	if t.low {
		return at
	}
	at = half(high, ^uint32(0), valueHigh, opEqual, at, no)
	return half(high, ^uint32(0), valueHigh, opGreater, yes, at)
}

// encode returns the program in the kernel's form.
func (b *builder) encode() []byte {
	out := make([]byte, 0, len(b.code)*instructionSize)
	for i := len(b.code) - 1; i >= 0; i-- {
		in := b.code[i]
		out = binary.LittleEndian.AppendUint16(out, in.op)
		out = append(out, in.jt, in.jf)
		out = binary.LittleEndian.AppendUint32(out, in.k)
	}
	return out
}
