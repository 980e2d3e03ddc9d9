package setup

import "encoding/binary"

// A preface goes down the plan pipe before the plan. It is nf_tables rules for
// the jail's own network namespace, which jailinit puts into force while it
// waits for the plan; they serve speed alone.
//
// It begins with a byte that no plan begins with, and its length in two more.
const (
	prefaceMark   = 0xff
	prefaceHeader = 3
)

// Preface returns the rules as they go down the pipe, in one write(2).
func Preface(rules []byte) []byte {
	b := append(make([]byte, 0, prefaceHeader+len(rules)), prefaceMark)
	return append(binary.LittleEndian.AppendUint16(b, uint16(len(rules))), rules...)
}

// CutPreface takes the preface off what came through the pipe. Without one, or
// as long as it isn't whole, rules is nil.
func CutPreface(data []byte) (rules, rest []byte) {
	if len(data) < prefaceHeader || data[0] != prefaceMark {
		return nil, data
	}
	end := prefaceHeader + int(binary.LittleEndian.Uint16(data[1:]))
	if len(data) < end {
		return nil, data
	}
	return data[prefaceHeader:end], data[end:]
}
