#include "textflag.h"

// func entry()
//
// Where the kernel starts jailspawn (the linker's flag -E): before the Go runtime
// it does what that would only slow down. R12 is for those called, and holds the
// initial stack: argc, argv[0], argv[1] ... 0, envp[0] ... 0.
TEXT ·entry(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	MOVQ SP, R12
	CMPQ 0(R12), $2
	JLT  runtime
	MOVQ 16(R12), AX
	MOVL (AX), CX
	CMPL CX, $0x6e7572 // "run"
	JEQ  early
	ANDL $0xffffff, CX
	CMPL CX, $0x2d2d // "--"
	JEQ  early
	CMPQ 0(R12), $8
	JLT  runtime
	MOVQ $0x676e696863746177, CX // "watching"
	CMPQ CX, (AX)
	JNE  runtime
	CMPB 8(AX), $0
	JNE  runtime
	JMP  ·watch(SB)

early:
	CALL github·com∕jailspawn∕jailspawn∕setup∕spawn∕early·start(SB)

runtime:
	CALL github·com∕jailspawn∕jailspawn∕setup∕spawn∕early·patience(SB)
	JMP  _rt0_amd64_linux(SB)
