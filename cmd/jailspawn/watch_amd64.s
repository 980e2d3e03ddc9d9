#include "textflag.h"

// func watch()
//
// What is left of jailspawn beside a detached jail. Called as
//
//	jailspawn watching NAME PID CONTROL GROUP PATH ARG ...
//
// it waits for the end of its child PID and then executes PATH with the
// arguments from PATH on. Until then each signal that it gets is sent on over
// the socket CONTROL, as setup.ControlSignal. Without the Go runtime this takes
// 20 KiB of memory, not a thousand.
//
// R12 holds the initial stack, R13 the pid, R14 the socket, R15 the third byte
// of a message.
TEXT ·watch(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	SUBQ $512, SP

	MOVQ  32(R12), SI
	CALL  number<>(SB)
	MOVQ  AX, R13
	MOVQ  40(R12), SI
	CALL  number<>(SB)
	MOVQ  AX, R14
	MOVQ  48(R12), SI
	CALL  number<>(SB)
	MOVQ  AX, R15

	// 0(SP) is the set of all signals, 16(SP) a message, 64(SP) a siginfo_t.
	MOVQ $-1, 0(SP)
	MOVQ $2, DI       // SIG_SETMASK
	MOVQ SP, SI
	XORL DX, DX
	MOVQ $8, R10
	MOVL $14, AX      // rt_sigprocmask(2)
	SYSCALL

next:
	MOVQ $1, DI         // P_PID
	MOVQ R13, SI
	LEAQ 64(SP), DX
	MOVQ $0x1000005, R10 // WNOWAIT|WEXITED|WNOHANG
	XORL R8, R8
	MOVL $247, AX       // waitid(2)
	SYSCALL
	TESTQ AX, AX
	JNE  finish         // no such child: it was not for us to wait
	CMPL 80(SP), $0     // si_pid
	JNE  finish

	MOVQ SP, DI
	LEAQ 64(SP), SI
	XORL DX, DX
	MOVQ $8, R10
	MOVL $128, AX // rt_sigtimedwait(2)
	SYSCALL
	CMPQ AX, $17  // SIGCHLD
	JEQ  next
	CMPQ AX, $1   // an errno is negative
	JLT  next

	MOVB $115, 16(SP) // 's'
	MOVB AX, 17(SP)
	MOVB R15, 18(SP)
	MOVQ R14, DI
	LEAQ 16(SP), SI
	MOVQ $3, DX
	MOVQ $0x4040, R10 // MSG_NOSIGNAL|MSG_DONTWAIT
	XORL R8, R8
	XORL R9, R9
	MOVL $44, AX      // sendto(2)
	SYSCALL
	JMP  next

finish:
	MOVQ $0, 0(SP)
	MOVQ $2, DI
	MOVQ SP, SI
	XORL DX, DX
	MOVQ $8, R10
	MOVL $14, AX
	SYSCALL
	MOVQ 0(R12), AX
	LEAQ 16(R12)(AX*8), DX // envp
	MOVQ 56(R12), DI       // PATH
	LEAQ 56(R12), SI
	MOVL $59, AX           // execve(2)
	SYSCALL
	MOVL $125, DI
	MOVL $231, AX          // exit_group(2)
	SYSCALL
	INT  $3

// number reads the decimal number at SI into AX.
TEXT number<>(SB), NOSPLIT|NOFRAME, $0
	XORL AX, AX
	JMP  test

digit:
	IMULQ $10, AX
	SUBQ  $48, CX
	ADDQ  CX, AX
	INCQ  SI

test:
	MOVBQZX (SI), CX
	TESTQ CX, CX
	JNE  digit
	RET
