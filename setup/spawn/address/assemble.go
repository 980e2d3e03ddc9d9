package address

import (
	"encoding/binary"
	"fmt"
)

// A register of the machine that the kernel's programs are written for
// (Documentation/bpf/standardization/instruction-set.rst).
type register uint8

// r0 is the result, r1 to r5 are the arguments of a call, which loses them; r6
// and on stay; fp is the end of the stack.
const (
	r0 register = 0
	r1 register = 1
	r2 register = 2
	r3 register = 3
	r4 register = 4
	r5 register = 5
	r6 register = 6
	fp register = 10
)

// The operations that we use. Those on 32 bits matter: an address is a 32-bit
// number whose highest bit is set as often as not, and a 64-bit comparison with
// a constant would extend the constant's sign.
const (
	opLoad32     = 0x61
	opStore32    = 0x63
	opStoreImm32 = 0x62
	opMove       = 0xbf
	opMoveImm32  = 0xb4
	opAddImm     = 0x07
	opAndImm32   = 0x54
	opOr32       = 0x4c
	opJumpEqual  = 0x16
	opJumpOther  = 0x56
	opJump       = 0x05
	opCall       = 0x85
	opExit       = 0x95
)

// The functions of the kernel that we call (bpf-helpers(7)).
const (
	skbLoadBytes = 26
	bpfBind      = 64
)

// A program is a list of instructions and the labels in it.
type program struct {
	code   []byte
	labels map[string]int // the instruction behind a label
	jumps  map[int]string // the label that an instruction jumps to
	unique int
}

func newProgram() *program {
	return &program{labels: map[string]int{}, jumps: map[int]string{}}
}

func (p *program) emit(op byte, dst, src register, offset int16, imm uint32) {
	p.code = append(p.code, op, byte(dst)|byte(src)<<4)
	p.code = binary.NativeEndian.AppendUint16(p.code, uint16(offset))
	p.code = binary.NativeEndian.AppendUint32(p.code, imm)
}

func (p *program) size() int { return len(p.code) / 8 }

func (p *program) label(name string) { p.labels[name] = p.size() }

// next returns a label that no other place has.
func (p *program) next() string {
	p.unique++
	return fmt.Sprint("next", p.unique)
}

func (p *program) load(dst, base register, offset int16) { p.emit(opLoad32, dst, base, offset, 0) }
func (p *program) store(base register, offset int16, src register) {
	p.emit(opStore32, base, src, offset, 0)
}

func (p *program) storeImm(base register, offset int16, n uint32) {
	p.emit(opStoreImm32, base, 0, offset, n)
}
func (p *program) move(dst, src register)     { p.emit(opMove, dst, src, 0, 0) }
func (p *program) set(dst register, n uint32) { p.emit(opMoveImm32, dst, 0, 0, n) }
func (p *program) and(dst register, n uint32) { p.emit(opAndImm32, dst, 0, 0, n) }
func (p *program) or(dst, src register)       { p.emit(opOr32, dst, src, 0, 0) }
func (p *program) call(function uint32)       { p.emit(opCall, 0, 0, 0, function) }

// stack sets a register to the address of a place on the stack.
func (p *program) stack(dst register, offset int32) {
	p.move(dst, fp)
	p.emit(opAddImm, dst, 0, 0, uint32(offset))
}

func (p *program) jump(to string) {
	p.jumps[p.size()] = to
	p.emit(opJump, 0, 0, 0, 0)
}

func (p *program) ifEqual(r register, n uint32, to string) {
	p.jumps[p.size()] = to
	p.emit(opJumpEqual, r, 0, 0, n)
}

func (p *program) ifOther(r register, n uint32, to string) {
	p.jumps[p.size()] = to
	p.emit(opJumpOther, r, 0, 0, n)
}

// end ends the program with a result.
func (p *program) end(result uint32) {
	p.set(r0, result)
	p.emit(opExit, 0, 0, 0, 0)
}

// assemble fills in the distances of the jumps.
func (p *program) assemble() []byte {
	for at, to := range p.jumps {
		target, ok := p.labels[to]
		if !ok {
			panic("address: no label " + to)
		}
		binary.NativeEndian.PutUint16(p.code[8*at+2:], uint16(target-at-1))
	}
	return p.code
}
