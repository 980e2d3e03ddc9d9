#include "textflag.h"

// func int80(number, a, b, c, d uint32) int32
//
// A system call as a 32-bit program makes it. The kernel may clear R8 to R11.
TEXT ·int80(SB), NOSPLIT, $0-28
	MOVL number+0(FP), AX
	MOVL a+4(FP), BX
	MOVL b+8(FP), CX
	MOVL c+12(FP), DX
	MOVL d+16(FP), SI
	XORL DI, DI
	INT $0x80
	MOVL AX, ret+24(FP)
	RET
