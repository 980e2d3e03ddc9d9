// Package seccomp turns a policy that people can read into the programs that
// the kernel filters system calls with (seccomp(2), BPF). It is pure: it runs
// on the host, in jailspawn, and makes no system call; jailinit only loads what
// comes out.
//
// A policy is text, one rule a line; the last line that matches a call decides:
//
//	include default                     # begin with the default policy
//	otherwise deny EPERM                # calls that no line names
//	unknown deny ENOSYS                 # calls that this build has no name for
//	allow @file-system read write       # calls and groups of calls
//	deny EACCES socket if arg0 != AF_UNIX
//	deny ioctl if arg1.low == TIOCSTI   # the low 32 bits, as the kernel reads an int
//	allow @clock when sys_time          # if the jail has this capability
//
// The actions are allow, deny [ERRNO], log, trap and kill. Tests are joined by
// "and": == != < <= > >= compare an argument, "arg0 & MASK" is true if one of
// the bits is set, "arg0 & MASK == VALUE" compares the bits left. Behind "when"
// and "unless" stand capabilities, userns (the jail may have user namespaces of
// its own) and setuid (it may gain privileges by executing).
//
// A policy binds every architecture that the kernel runs: a call has the same
// name and the same fate as 64-bit, x32 or 32-bit code, and code of any other
// architecture is killed.
package seccomp
