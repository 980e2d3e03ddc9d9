package will

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// An executor has the memory that the forked process works with. Nothing may be
// allocated there, no stack may grow and no goroutine be scheduled, so its
// functions only make system calls, as those of the syscall package do between
// fork and exec.
type executor struct {
	files [3]int // the pipe, the terminal, cgroup.kill
	next  modes
	last  modes
	now   unix.Termios
	dir   [2]byte
	name  [16]byte
	kill  [1]byte
}

// fork returns the pid in this process, and in the other one not at all.
//
//go:nosplit
//go:norace
//go:noinline
func (e *executor) fork() (uintptr, syscall.Errno) {
	pid, _, errno := syscall.RawSyscall6(unix.SYS_CLONE, 0, 0, 0, 0, 0, 0)
	if pid == 0 && errno == 0 {
		e.run()
	}
	return pid, errno
}

// run waits, in a session of its own, so that no signal to our process group
// reaches it, and without a descriptor or directory that it has no use for.
//
//go:nosplit
//go:norace
func (e *executor) run() {
	for n := range e.files {
		if e.files[n] >= 0 {
			syscall.RawSyscall(unix.SYS_DUP3, uintptr(e.files[n]), uintptr(n), 0)
		} else {
			syscall.RawSyscall(unix.SYS_CLOSE, uintptr(n), 0, 0)
		}
	}
	syscall.RawSyscall(unix.SYS_CLOSE_RANGE, uintptr(len(e.files)), ^uintptr(0)>>33, 0)
	syscall.RawSyscall(unix.SYS_SETSID, 0, 0, 0)
	syscall.RawSyscall(unix.SYS_CHDIR, uintptr(unsafe.Pointer(&e.dir)), 0, 0)
	syscall.RawSyscall(unix.SYS_PRCTL, unix.PR_SET_NAME, uintptr(unsafe.Pointer(&e.name)), 0)
	for {
		n, _, errno := syscall.RawSyscall(unix.SYS_READ, 0, uintptr(unsafe.Pointer(&e.next)), unsafe.Sizeof(e.next))
		if errno == 0 && n == unsafe.Sizeof(e.next) {
			e.last = e.next
		} else if errno != unix.EINTR {
			break
		}
	}
	if e.files[2] >= 0 {
		syscall.RawSyscall(unix.SYS_WRITE, 2, uintptr(unsafe.Pointer(&e.kill)), 1)
	}
	if e.files[1] >= 0 {
		_, _, errno := syscall.RawSyscall(unix.SYS_IOCTL, 1, unix.TCGETS, uintptr(unsafe.Pointer(&e.now)))
		if errno == 0 && e.now == e.last.now {
			syscall.RawSyscall(unix.SYS_IOCTL, 1, unix.TCSETS, uintptr(unsafe.Pointer(&e.last.saved)))
		}
	}
	for {
		syscall.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
	}
}
