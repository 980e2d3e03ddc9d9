#include "textflag.h"

// func handler() uintptr
TEXT ·handler(SB), NOSPLIT, $0-8
	LEAQ caught<>(SB), AX
	MOVQ AX, ret+0(FP)
	RET

// func restorer() uintptr
TEXT ·restorer(SB), NOSPLIT, $0-8
	LEAQ restore<>(SB), AX
	MOVQ AX, ret+0(FP)
	RET

// caught writes the number of the signal, DI, to the pipe. SI is the siginfo_t.
// What the kernel tells of faults (si_code above 0) is the business of whoever
// had the signal before.
TEXT caught<>(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	MOVL $0x800009b0, AX // ILL TRAP BUS FPE SEGV SYS: 4 5 7 8 11 31
	BTL  DI, AX
	JCC  send
	CMPL DI, $32
	JGE  send
	CMPL 8(SI), $0
	JGT  fault

send:
	PUSHQ DI
	MOVQ ·out(SB), DI
	MOVQ SP, SI
	MOVL $1, DX
	MOVL $1, AX // write(2)
	SYSCALL
	POPQ DI
	RET

fault:
	MOVL DI, AX
	LEAQ ·owners(SB), CX
	MOVQ (CX)(AX*8), AX
	JMP  AX

// restore ends a handler (sigreturn(2)).
TEXT restore<>(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	MOVL $15, AX
	SYSCALL
	INT  $3
