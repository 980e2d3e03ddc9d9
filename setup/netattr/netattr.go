// Package netattr writes the attributes of netlink(7): length, kind and value,
// padded to four bytes. Each function appends one to a message that is written
// in place, as each page of memory that a jail's start touches takes time. It
// makes no system call.
package netattr

import "encoding/binary"

const (
	header = 4
	nested = 0x8000 // NLA_F_NESTED
)

// Open begins an attribute of attributes. [Shut] ends it, with the length that
// b had before.
func Open(b []byte, kind uint16) []byte { return start(b, kind|nested, 0) }

// Shut ends the attribute that began at the given place.
func Shut(b []byte, at int) {
	binary.NativeEndian.PutUint16(b[at:], uint16(len(b)-at))
}

// Value appends bytes.
func Value(b []byte, kind uint16, v ...byte) []byte {
	return pad(append(start(b, kind, len(v)), v...), len(v))
}

// Text appends a string with the zero that ends it.
func Text(b []byte, kind uint16, s string) []byte {
	b = append(start(b, kind, len(s)+1), s...)
	return pad(append(b, 0), len(s)+1)
}

// Word appends a number of 32 bits in the machine's order.
func Word(b []byte, kind uint16, n uint32) []byte {
	return binary.NativeEndian.AppendUint32(start(b, kind, 4), n)
}

// Number appends a number of 32 bits in the network's order.
func Number(b []byte, kind uint16, n uint32) []byte {
	return binary.BigEndian.AppendUint32(start(b, kind, 4), n)
}

// Next takes the first attribute off b. There is none left, or none that is
// whole, if rest is nil.
func Next(b []byte) (kind uint16, value, rest []byte) {
	if len(b) < header {
		return 0, nil, nil
	}
	size := int(binary.NativeEndian.Uint16(b))
	if size < header || size > len(b) {
		return 0, nil, nil
	}
	kind = binary.NativeEndian.Uint16(b[2:]) &^ nested
	return kind, b[header:size], b[min(len(b), (size+3)&^3):]
}

func start(b []byte, kind uint16, size int) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(header+size))
	return binary.NativeEndian.AppendUint16(b, kind)
}

func pad(b []byte, size int) []byte {
	for ; size%4 != 0; size++ {
		b = append(b, 0)
	}
	return b
}
