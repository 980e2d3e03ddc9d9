package seccomp

import (
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A constant is a name that a test may compare with. (Not a map: nothing is
// computed when jailspawn starts.)
type constant struct {
	name  string
	value uint64
}

var constants = [...]constant{
	{"TIOCSTI", unix.TIOCSTI},
	{"TIOCLINUX", unix.TIOCLINUX},
	{"TIOCSETD", unix.TIOCSETD},
	{"TIOCSCTTY", unix.TIOCSCTTY},

	{"CLONE_NEWUSER", unix.CLONE_NEWUSER},
	{"CLONE_NEWNS", unix.CLONE_NEWNS},
	{"CLONE_NEWPID", unix.CLONE_NEWPID},
	{"CLONE_NEWNET", unix.CLONE_NEWNET},
	{"CLONE_NEWIPC", unix.CLONE_NEWIPC},
	{"CLONE_NEWUTS", unix.CLONE_NEWUTS},
	{"CLONE_NEWCGROUP", unix.CLONE_NEWCGROUP},
	{"CLONE_NEWTIME", unix.CLONE_NEWTIME},

	{"S_ISUID", unix.S_ISUID},
	{"S_ISGID", unix.S_ISGID},
	{"S_IFCHR", unix.S_IFCHR},
	{"S_IFBLK", unix.S_IFBLK},
	{"S_IFMT", unix.S_IFMT},
	{"O_CREAT", unix.O_CREAT},
	{"O_ACCMODE", unix.O_ACCMODE},
	{"O_WRONLY", unix.O_WRONLY},
	{"O_RDWR", unix.O_RDWR},
	{"O_TMPFILE", unix.O_TMPFILE &^ unix.O_DIRECTORY}, // the bit that makes the difference

	{"PROT_EXEC", unix.PROT_EXEC},
	{"PROT_WRITE", unix.PROT_WRITE},

	{"AF_UNIX", unix.AF_UNIX},
	{"AF_INET", unix.AF_INET},
	{"AF_INET6", unix.AF_INET6},
	{"AF_NETLINK", unix.AF_NETLINK},
	{"AF_PACKET", unix.AF_PACKET},
	{"AF_VSOCK", unix.AF_VSOCK},
	{"AF_ALG", unix.AF_ALG},
	{"AF_CAN", unix.AF_CAN},
	{"AF_BLUETOOTH", unix.AF_BLUETOOTH},
	{"AF_XDP", unix.AF_XDP},
	{"SOCK_STREAM", unix.SOCK_STREAM},
	{"SOCK_DGRAM", unix.SOCK_DGRAM},
	{"SOCK_RAW", unix.SOCK_RAW},
	{"SYS_SOCKET", 1}, // of socketcall(2)
	{"NETLINK_ROUTE", unix.NETLINK_ROUTE},
	{"NETLINK_NETFILTER", unix.NETLINK_NETFILTER},
	{"NETLINK_XFRM", unix.NETLINK_XFRM},
	{"NETLINK_CRYPTO", unix.NETLINK_CRYPTO},
	{"NETLINK_AUDIT", unix.NETLINK_AUDIT},
	{"PTRACE_TRACEME", unix.PTRACE_TRACEME},
	{"PR_SET_SECCOMP", unix.PR_SET_SECCOMP},
}

// parseValue reads a number (decimal, 0x, leading 0 for octal), a constant, or
// several of them joined by "|".
func parseValue(s string) (value uint64, ok bool) {
	for word := range strings.SplitSeq(s, "|") {
		n, err := strconv.ParseUint(word, 0, 64)
		if err != nil {
			i := slices.IndexFunc(constants[:], func(c constant) bool { return c.name == word })
			if i < 0 {
				return 0, false
			}
			n = constants[i].value
		}
		value |= n
	}
	return value, true
}

// maxErrno is the largest errno that the kernel passes on (MAX_ERRNO).
const maxErrno = 4095

// parseErrno reads an errno's name or number.
func parseErrno(s string) (unix.Errno, bool) {
	if n, err := strconv.ParseUint(s, 10, 32); err == nil {
		return unix.Errno(n), n > 0 && n <= maxErrno
	}
	if s == "" || s[0] != 'E' {
		return 0, false
	}
	for e := unix.Errno(1); e < 134; e++ {
		if unix.ErrnoName(e) == s {
			return e, true
		}
	}
	return 0, false
}

func errnoName(e unix.Errno) string {
	if name := unix.ErrnoName(e); name != "" {
		return name
	}
	return strconv.Itoa(int(e))
}
