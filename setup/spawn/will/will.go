// Package will sees to what must not be left undone if this process is killed
// (SIGKILL), where the kernel doesn't see to it: the caller's terminal gets its
// modes back, a cgroup is ended. It runs on the host and needs no privilege.
//
// A process is forked for it that does nothing but wait for the end of a pipe.
// It costs a start about a millisecond, so only who needs one leaves a will.
package will

import (
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Will is what is done when this process ends and hasn't revoked it. A nil
// *Will is none.
type Will struct {
	pid  int // of the process that waits, the executor
	pipe int // write end: modes of the terminal go through it, its end is ours
}

// modes are what the executor does with the terminal: if it has the modes now,
// it gets the saved ones back. Whoever has changed them since keeps his. The
// zero value is nothing.
type modes struct {
	now, saved unix.Termios
}

// Leave makes a will about a terminal and a cgroup, as the descriptor of its
// cgroup.kill open for writing (Linux 5.14); -1 is neither. The descriptors
// stay the caller's.
func Leave(terminal, kill int) (*Will, error) {
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return nil, err
	}
	defer unix.Close(pipe[0])
	// Above the numbers that the executor puts them on.
	files := [3]int{-1, -1, -1}
	var err error
	for i, fd := range []int{pipe[0], terminal, kill} {
		if fd >= 0 && err == nil {
			files[i], err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, len(files))
		}
	}
	var pid int
	if err == nil {
		pid, err = fork(&executor{files: files, dir: [2]byte{'/'}, name: [16]byte{'j', 'a', 'i', 'l', '-', 'w', 'i', 'l', 'l'}, kill: [1]byte{'1'}})
	}
	for _, fd := range files {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
	if err != nil {
		_ = unix.Close(pipe[1])
		return nil, err
	}
	return &Will{pid: pid, pipe: pipe[1]}, nil
}

// Terminal says that the terminal has the modes now and is to get the saved
// ones; without saved ones it is left alone.
func (w *Will) Terminal(now, saved *unix.Termios) {
	if w == nil {
		return
	}
	var m modes
	if saved != nil {
		m = modes{*now, *saved}
	}
	data := unsafe.Slice((*byte)(unsafe.Pointer(&m)), unsafe.Sizeof(m))
	_, _ = unix.Write(w.pipe, data) // less than PIPE_BUF: all or nothing
}

// Revoke ends the executor; the terminal is left alone.
func (w *Will) Revoke() {
	if w == nil {
		return
	}
	w.Terminal(nil, nil)
	_ = unix.Close(w.pipe)
	w.wait()
}

// Gone returns when the executor has ended, killed by somebody.
func (w *Will) Gone() {
	var info unix.Siginfo
	for unix.Waitid(unix.P_PID, w.pid, &info, unix.WEXITED|unix.WNOWAIT|unix.WALL, nil) == unix.EINTR {
	}
}

func (w *Will) wait() {
	for {
		if _, err := unix.Wait4(w.pid, nil, unix.WALL, nil); err != unix.EINTR {
			return
		}
	}
}

// fork makes the executor. It has this process's memory, copied on write, but
// none of its threads, hence no Go runtime: it may only do what [executor.run]
// does, with all signals blocked. It sends no SIGCHLD when it ends.
func fork(e *executor) (int, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	syscall.ForkLock.Lock()
	defer syscall.ForkLock.Unlock()
	all, old := ^uint64(0), uint64(0)
	if _, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&all)), uintptr(unsafe.Pointer(&old)), 8, 0, 0); errno != 0 {
		return 0, errno
	}
	pid, errno := e.fork()
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&old)), 0, 8, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(pid), nil
}
