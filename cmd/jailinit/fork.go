package main

import (
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup/sigaction"
)

// fork starts a program as how says, of which it heeds what jailinit uses.
//
// [syscall.ForkExec] stands still, and the Go runtime with it, until the child
// executes its program, as that borrows the memory (vfork(2)). While nobody else
// is in the jail this is the quickest. Later the payload could stop the child
// (SIGSTOP) before it does, and process 1 would never see the payload's end.
func (j *jail) fork(program string, argv []string, how *syscall.ProcAttr) (pid int, err error) {
	if !j.inhabited {
		return syscall.ForkExec(program, argv, how)
	}
	return forkCopied(program, -1, argv, how)
}

// forkCopied executes what the descriptor self refers to, if there is one, and
// else program.
func forkCopied(program string, self int, argv []string, how *syscall.ProcAttr) (pid int, err error) {
	c, err := newCopied(program, argv, how)
	if err != nil {
		return 0, err
	}
	c.self = self
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return 0, err
	}
	defer unix.Close(pipe[0])
	sources := append(how.Files[:len(how.Files):len(how.Files)], uintptr(pipe[1]))
	c.files, err = above(sources, len(how.Files))
	unix.Close(pipe[1])
	if err == nil {
		pid, err = c.start()
	}
	for _, fd := range c.files {
		closeFD(fd)
	}
	if err != nil {
		return 0, err
	}
	var errno syscall.Errno
	for {
		n, err := unix.Read(pipe[0], unsafe.Slice((*byte)(unsafe.Pointer(&errno)), unsafe.Sizeof(errno)))
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 0, err
		case n > 0:
			return 0, errno // it has ended, and is reaped like any other
		default:
			return pid, nil
		}
	}
}

// above copies descriptors to numbers that are not below min; -1 stays.
func above(fds []uintptr, min int) (high []int, err error) {
	for _, fd := range fds {
		n := -1
		if int(fd) >= 0 && err == nil {
			n, err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, min)
		}
		high = append(high, n)
	}
	return high, err
}

func closeFD(fd int) {
	if fd >= 0 {
		unix.Close(fd)
	}
}

// A copied is a child that has its own copy of our memory (fork(2)), and in it
// what it works with. Of the Go runtime it has no thread: nothing may be
// allocated there, no stack grow, no signal be handled.
type copied struct {
	program   *byte
	self      int // what it executes, if it is a descriptor, and program is empty
	argv, env []*byte
	files     []int // for descriptors 0 and on, or -1, and last the pipe that an error goes to
	session   bool  // of its own, else a process group
	terminal  int   // the descriptor that becomes its controlling terminal, or -1
	action    sigaction.Action
	mask      uint64
	errno     syscall.Errno
}

func newCopied(program string, argv []string, how *syscall.ProcAttr) (c *copied, err error) {
	c = &copied{session: how.Sys.Setsid, terminal: -1}
	if how.Sys.Setctty {
		c.terminal = how.Sys.Ctty
	}
	if c.program, err = syscall.BytePtrFromString(program); err != nil {
		return nil, err
	}
	if c.argv, err = syscall.SlicePtrFromStrings(argv); err != nil {
		return nil, err
	}
	c.env, err = syscall.SlicePtrFromStrings(how.Env)
	return c, err
}

// start forks the child, with all signals blocked, from this thread, which the
// caller has locked.
func (c *copied) start() (int, error) {
	all, old := ^uint64(0), uint64(0)
	if errno := setMask(&all, &old); errno != 0 {
		return 0, errno
	}
	pid, errno := c.clone()
	_ = setMask(&old, nil)
	runtime.KeepAlive(c)
	if errno != 0 {
		return 0, errno
	}
	return int(pid), nil
}

//go:nosplit
//go:norace
func setMask(mask, old *uint64) syscall.Errno {
	_, _, errno := syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(mask)), uintptr(unsafe.Pointer(old)), 8, 0, 0)
	return errno
}

// clone returns the pid in this process, and in the child not at all.
//
//go:nosplit
//go:norace
//go:noinline
func (c *copied) clone() (uintptr, syscall.Errno) {
	pid, _, errno := syscall.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if pid == 0 && errno == 0 {
		c.run()
	}
	return pid, errno
}

// run is the child's life up to its program. What jailinit itself wants to be
// told of, it forgets before a signal can come.
//
//go:nosplit
//go:norace
func (c *copied) run() {
	last := len(c.files) - 1
	for _, sig := range [...]uintptr{uintptr(unix.SIGURG), uintptr(unix.SIGCHLD)} {
		syscall.RawSyscall6(unix.SYS_RT_SIGACTION, sig, uintptr(unsafe.Pointer(&c.action)), 0, 8, 0, 0)
	}
	if c.session {
		_, _, c.errno = syscall.RawSyscall(unix.SYS_SETSID, 0, 0, 0)
	} else {
		_, _, c.errno = syscall.RawSyscall(unix.SYS_SETPGID, 0, 0, 0)
	}
	for n := 0; n < last && c.errno == 0; n++ {
		if c.files[n] < 0 {
			syscall.RawSyscall(unix.SYS_CLOSE, uintptr(n), 0, 0)
		} else {
			_, _, c.errno = syscall.RawSyscall(unix.SYS_DUP3, uintptr(c.files[n]), uintptr(n), 0)
		}
	}
	if c.terminal >= 0 && c.errno == 0 {
		_, _, c.errno = syscall.RawSyscall(unix.SYS_IOCTL, uintptr(c.terminal), unix.TIOCSCTTY, 1)
	}
	if c.errno == 0 {
		c.errno = setMask(&c.mask, nil)
	}
	if c.errno == 0 && c.self >= 0 {
		_, _, c.errno = syscall.RawSyscall6(unix.SYS_EXECVEAT, uintptr(c.self), uintptr(unsafe.Pointer(c.program)), uintptr(unsafe.Pointer(&c.argv[0])), uintptr(unsafe.Pointer(&c.env[0])), unix.AT_EMPTY_PATH, 0)
	} else if c.errno == 0 {
		_, _, c.errno = syscall.RawSyscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(c.program)), uintptr(unsafe.Pointer(&c.argv[0])), uintptr(unsafe.Pointer(&c.env[0])))
	}
	syscall.RawSyscall(unix.SYS_WRITE, uintptr(c.files[last]), uintptr(unsafe.Pointer(&c.errno)), unsafe.Sizeof(c.errno))
	for {
		syscall.RawSyscall(unix.SYS_EXIT_GROUP, 253, 0, 0)
	}
}
