package seccomp

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// A call is what a program is asked about: the words of seccomp_data that are
// known, by their offset.
type call map[uint32]uint32

// simulate runs a program. It is sure of the action unless the program looks
// at a word that isn't known, or is none that the kernel would take.
func simulate(program []byte, words call) (action Action, sure bool) {
	var acc uint32
	for pc := 0; pc*instructionSize < len(program); pc++ {
		in := program[pc*instructionSize:]
		op, jt, jf, k := binary.LittleEndian.Uint16(in), in[2], in[3], binary.LittleEndian.Uint32(in[4:])
		switch op {
		case opLoad:
			if acc, sure = words[k]; !sure {
				return 0, false
			}
		case opAnd:
			acc &= k
		case opReturn:
			return Action(k), true
		case opJump:
			pc += int(k)
		case opEqual, opGreater, opAtLeast, opAnyBit:
			pc += branch(op, acc, k, int(jt), int(jf))
		default:
			return 0, false
		}
	}
	return 0, false
}

func branch(op uint16, acc, k uint32, yes, no int) int {
	taken := false
	switch op {
	case opEqual:
		taken = acc == k
	case opGreater:
		taken = acc > k
	case opAtLeast:
		taken = acc >= k
	case opAnyBit:
		taken = acc&k != 0
	}
	if taken {
		return yes
	}
	return no
}

// startCalls are what a thread of jailinit calls to start the payload once its
// filters are loaded (kernel-side of syscall.ForkExec and the Go runtime).
var startCalls = []string{
	"read", "write", "close", "pipe2", "dup3", "fcntl", "close_range", "newfstatat", "faccessat2", "chdir",
	"clone", "ioctl", "setpgid", "setsid", "execve", "wait4", "exit", "exit_group", "prctl",
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "tgkill", "getpid", "gettid",
	"futex", "mmap", "munmap", "mprotect", "madvise", "sched_yield", "nanosleep",
}

// startArguments returns the first two arguments of a call of those where a
// policy may want to see them.
func startArguments(call string) []uint32 {
	switch call {
	case "clone":
		return []uint32{unix.CLONE_VFORK | unix.CLONE_VM | uint32(unix.SIGCHLD), 0}
	case "ioctl":
		return []uint32{0, unix.TIOCSCTTY}
	}
	return nil
}

// ForbidsStart reports whether one of the programs forbids, or may forbid, what
// jailinit needs to start a process. Such a program is loaded in a second
// stage, just before the payload is executed.
func ForbidsStart(programs [][]byte) bool {
	own := machine(hostArch)[0]
	t := tables()
	for _, name := range startCalls {
		words := call{offsetNumber: uint32(t.calls[name][own.columns[0]]), offsetArch: own.audit}
		for i, v := range startArguments(name) {
			words[offsetArgs+8*uint32(i)], words[offsetArgs+8*uint32(i)+4] = v, 0
		}
		for _, program := range programs {
			if action, sure := simulate(program, words); !sure || (action != Allow && action != Log) {
				return true
			}
		}
	}
	return false
}
