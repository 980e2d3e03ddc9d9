package confine

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// Seccomp loads the filters on the calling thread (seccomp(2)). It is the last
// step: from here on the thread may call only what the payload may. It needs
// no_new_privs or CAP_SYS_ADMIN.
func Seccomp(s *setup.Seccomp) error {
	var flags uintptr
	if s.Log {
		flags |= unix.SECCOMP_FILTER_FLAG_LOG
	}
	for _, program := range s.Programs {
		prog := unix.SockFprog{
			Len:    uint16(len(program) / int(unsafe.Sizeof(unix.SockFilter{}))),
			Filter: (*unix.SockFilter)(unsafe.Pointer(unsafe.SliceData(program))),
		}
		_, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&prog)))
		runtime.KeepAlive(program)
		if errno != 0 {
			return seccompError(errno)
		}
	}
	return nil
}

func seccompError(errno unix.Errno) error {
	e := setup.Fail("seccomp", "", errno).(*setup.Error)
	switch errno {
	case unix.EINVAL:
		e.Hint = "the kernel takes no such filter: is it seccomp's, with instructions of struct sock_filter?"
	case unix.ENOMEM:
		e.Hint = "all filters together have too many instructions"
	case unix.EACCES:
		e.Hint = "an earlier filter forbids to load another, or privileges can be gained by executing"
	case unix.ENOSYS:
		e.Hint = "this kernel has no seccomp; --seccomp none does without"
	}
	return e
}
