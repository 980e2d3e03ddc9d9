#include "go_asm.h"
#include "textflag.h"

#define KERNEL(number) MOVL $number, AX; SYSCALL
#define CLOSE(number) MOVL number, DI; KERNEL(3) // close(2)
#define CAP_VERSION 0x20080522 // _LINUX_CAPABILITY_VERSION_3

// All three processes have this in common: the first, which goes on with its own
// stack; the helper until it ends; the child until it runs jailinit.
GLOBL path<>(SB), NOPTR, $4224   // PATH_MAX, and what is put behind the directory
GLOBL groups<>(SB), NOPTR, $1024 // root's, at most 256
GLOBL aside<>(SB), NOPTR, $256   // the helper's stack
GLOBL stack<>(SB), NOPTR, $512   // the child's

// func start()
//
// R12 holds the initial stack: argc, argv[0], argv[1] ... 0. Nothing here is
// worth an error: where it fails, jailspawn does without.
//
// It takes the kernel a millisecond to make namespaces, at worst. That is the
// work of a helper, a process that has the memory of this one and ends when it
// has cloned jailinit as this one's child.
//
// R13 points to started.
TEXT ·start(SB), NOSPLIT|NOFRAME, $0
	// Not for a jail that can't be the usual one. All words up to "--" are
	// looked at, as it is not known which are values; at worst, time is lost.
	MOVQ 0(R12), CX
	LEAQ 16(R12), DI

word:
	DECQ CX
	JLE  known
	MOVQ (DI), SI
	ADDQ $8, DI
	MOVQ (SI), AX // what lies beyond the last word is still of the stack
	MOVL AX, DX
	ANDL $0xffffff, DX
	CMPL DX, $0x2d2d // "--"
	JEQ  known
	SHLQ $16, AX
	SHRQ $16, AX
	MOVQ $0x656d616e2d2d, DX // "--name"
	CMPQ AX, DX
	JEQ  none
	MOVQ $0x617465642d2d, DX // "--deta"ch
	CMPQ AX, DX
	JEQ  none
	MOVQ $0x726168732d2d, DX // "--shar"e
	CMPQ AX, DX
	JEQ  none
	MOVQ $0x752d6f6e2d2d, DX // "--no-u"serns
	CMPQ AX, DX
	JEQ  none
	MOVQ $0x737361702d2d, DX // "--pass"-fd
	CMPQ AX, DX
	JEQ  none
	JMP  word

none:
	RET

known:
	LEAQ ·started(SB), R13
	LEAQ Init_plan(R13), DI
	MOVL $0x80000, SI // O_CLOEXEC
	KERNEL(293)       // pipe2(2)
	TESTQ AX, AX
	JNE  none
	CMPL Init_plan(R13), $3 // the caller has closed a standard descriptor
	JLT  closeplan
	LEAQ Init_status(R13), DI
	MOVL $0x80000, SI
	KERNEL(293)
	TESTQ AX, AX
	JNE  closeplan
	MOVL $1, DI       // AF_UNIX
	MOVL $0x80005, SI // SOCK_SEQPACKET|SOCK_CLOEXEC
	XORL DX, DX
	LEAQ Init_control(R13), R10
	KERNEL(53)        // socketpair(2)
	TESTQ AX, AX
	JNE  closestatus

	// The kernel clears helper when it is gone.
	MOVL $(const_CLONE_VM+const_CLONE_SETTID+const_CLONE_CLEARTID+const_SIGCHLD), DI
	LEAQ aside<>+256(SB), SI
	LEAQ Init_helper(R13), DX
	MOVQ DX, R10
	XORL R8, R8
	KERNEL(56)        // clone(2)
	TESTQ AX, AX
	JEQ  helper
	JLT  closeall
	MOVL AX, Init_reap(R13)
	CLOSE((Init_plan+0)(R13))
	CLOSE((Init_status+4)(R13))
	CLOSE((Init_control+4)(R13))
	RET

closeall:
	CLOSE((Init_control+0)(R13))
	CLOSE((Init_control+4)(R13))

closestatus:
	CLOSE((Init_status+0)(R13))
	CLOSE((Init_status+4)(R13))

closeplan:
	CLOSE((Init_plan+0)(R13))
	CLOSE((Init_plan+4)(R13))
	RET

	// From here on R14 is where the directory of this program ends in path, then
	// the descriptor of jailinit. R8 and R9 keep root's gid and number of groups.
helper:
	MOVQ ·self(SB), DI
	LEAQ path<>(SB), SI
	MOVL $4096, DX
	KERNEL(89)        // readlink(2)
	CMPQ AX, $4096
	JGE  exit
	LEAQ path<>(SB), R14
	ADDQ AX, R14

trim:
	LEAQ path<>(SB), AX
	CMPQ R14, AX
	JLE  exit
	CMPB -1(R14), $0x2f // "/"
	JEQ  find
	DECQ R14
	JMP  trim

find:
	// jailinit, as spawn's openInit looks for it, while this is still root.
	MOVQ ·jailinit+0(SB), SI
	MOVQ ·jailinit+8(SB), CX
	MOVL $1, BX

try:
	MOVQ R14, DI
	CLD
	REP; MOVSB
	LEAQ path<>(SB), DI
	MOVL $0x280000, SI // O_PATH|O_CLOEXEC
	XORL DX, DX
	KERNEL(2)          // open(2)
	TESTQ AX, AX
	JGE  ids
	MOVQ ·below+0(SB), SI
	MOVQ ·below+8(SB), CX
	DECL BX
	JEQ  try
	JMP  exit

ids:
	MOVQ AX, R14

	// Root takes the first id of a range, to give it to the child, as spawn's
	// becomeJailRoot does. Where he may not, all stays as it is.
	KERNEL(107)       // geteuid(2)
	TESTL AX, AX
	JNE  clone
	KERNEL(108)       // getegid(2)
	MOVL AX, R8
	MOVL $256, DI
	LEAQ groups<>(SB), SI
	KERNEL(115)       // getgroups(2)
	TESTQ AX, AX
	JLT  clone
	MOVQ AX, R9
	XORL DI, DI
	XORL SI, SI
	KERNEL(116)       // setgroups(2)
	TESTQ AX, AX
	JNE  clone
	KERNEL(110)       // getppid(2)
	XORL DX, DX
	MOVL $const_RangeCount, CX
	DIVL CX
	IMULL $const_RangeSize, DX
	ADDL $const_RangeFirst, DX
	MOVL DX, Init_base(R13)
	MOVL DX, DI
	MOVL DX, SI
	MOVL R8, DX
	KERNEL(119)       // setresgid(2)
	MOVL Init_base(R13), DI
	MOVL DI, SI
	XORL DX, DX
	KERNEL(117)       // setresuid(2)
	TESTQ AX, AX
	JNE  undo

	// CAP_SYS_ADMIN again, without which some systems let nobody make a user
	// namespace.
	LEAQ stack<>(SB), R10
	MOVL $CAP_VERSION, 0(R10)
	MOVL $0, 4(R10)
	MOVQ R10, DI
	LEAQ 8(R10), SI
	KERNEL(125)       // capget(2)
	MOVL 12(R10), AX  // permitted
	ANDL $(1<<21), AX
	ORL  AX, 8(R10)   // effective
	MOVQ R10, DI
	LEAQ 8(R10), SI
	KERNEL(126)       // capset(2)
	JMP  clone

undo:
	// No such ids here.
	MOVL $0, Init_base(R13)
	MOVL R8, DI
	MOVL R8, SI
	KERNEL(119)
	MOVQ R9, DI
	LEAQ groups<>(SB), SI
	KERNEL(116)

clone:
	// The child borrows the memory, which is quicker than to copy it, and nobody
	// waits until it has its own: the kernel clears borrows then, or when it is
	// gone.
	MOVL $1, Init_borrows(R13)
	MOVL $(const_Flags+const_CLONE_VM+const_CLONE_PARENT+const_CLONE_SETTID+const_CLONE_CLEARTID+const_SIGCHLD), DI
	LEAQ stack<>+512(SB), SI
	LEAQ Init_pid(R13), DX
	LEAQ Init_borrows(R13), R10
	XORL R8, R8
	KERNEL(56)        // clone(2)
	TESTQ AX, AX
	JEQ  child

exit:
	XORL DI, DI
	KERNEL(231)       // exit_group(2)
	INT  $3

child:
	KERNEL(112)       // setsid(2)

	// All capabilities over the new user namespace outlive execve(2) by the
	// ambient set, as no id is mapped yet.
	SUBQ $96, SP
	MOVL $CAP_VERSION, 0(SP)
	MOVL $0, 4(SP)
	MOVQ SP, DI
	LEAQ 8(SP), SI
	KERNEL(125)       // capget(2)
	MOVL 12(SP), AX   // permitted
	MOVL AX, 16(SP)   // inheritable
	MOVL 24(SP), AX
	MOVL AX, 28(SP)
	MOVQ SP, DI
	LEAQ 8(SP), SI
	KERNEL(126)       // capset(2)
	XORL BX, BX

raise:
	MOVL $47, DI      // PR_CAP_AMBIENT
	MOVL $2, SI       // PR_CAP_AMBIENT_RAISE
	MOVL BX, DX
	XORL R10, R10
	XORL R8, R8
	KERNEL(157)       // prctl(2)
	INCL BX
	TESTQ AX, AX
	JEQ  raise        // up to the first that this kernel doesn't know

	MOVL $1, DI       // PR_SET_PDEATHSIG
	MOVL $9, SI
	KERNEL(157)
	CALL ·patience(SB)
	MOVQ ·rootDir(SB), DI
	KERNEL(80)        // chdir(2)

	// The descriptors of the contract, first out of each other's way.
	MOVL (Init_plan+0)(R13), DI
	MOVL $1030, SI    // F_DUPFD_CLOEXEC
	MOVL $6, DX
	KERNEL(72)        // fcntl(2)
	MOVQ AX, BX
	MOVL (Init_status+4)(R13), DI
	KERNEL(72)
	MOVQ AX, R15
	MOVL (Init_control+4)(R13), DI
	KERNEL(72)
	MOVQ AX, DI
	MOVL $5, SI
	KERNEL(33)        // dup2(2)
	MOVQ R15, DI
	MOVL $4, SI
	KERNEL(33)
	MOVQ BX, DI
	MOVL $3, SI
	KERNEL(33)

	MOVQ ·jailinit(SB), AX
	MOVQ AX, 32(SP)   // argv
	MOVQ $0, 40(SP)
	MOVQ ·procs(SB), AX
	MOVQ AX, 48(SP)   // envp
	MOVQ $0, 56(SP)
	MOVQ R14, DI
	LEAQ 40(SP), SI   // an empty path
	LEAQ 32(SP), DX
	LEAQ 48(SP), R10
	MOVL $0x1000, R8  // AT_EMPTY_PATH
	KERNEL(322)       // execveat(2)
	MOVL $1, Init_failed(R13)
	MOVL $125, DI
	KERNEL(231)
	INT  $3

// func patience()
TEXT ·patience(SB), NOSPLIT|NOFRAME, $0
	MOVL $29, DI      // PR_SET_TIMERSLACK
	MOVL $2000000, SI // ns
	KERNEL(157)       // prctl(2)
	RET
