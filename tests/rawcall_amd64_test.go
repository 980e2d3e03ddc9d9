package tests

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// int80 makes a system call as a 32-bit program does.
func int80(number, a, b, c, d uint32) int32

// Under the name rawcall this program makes the system calls that its
// arguments name, ABI:NUMBER:ARG,ARG,..., and prints each one's errno.
func init() {
	if filepath.Base(os.Args[0]) != "rawcall" {
		return
	}
	for _, arg := range os.Args[1:] {
		abi, rest, _ := strings.Cut(arg, ":")
		number, list, _ := strings.Cut(rest, ":")
		n, _ := strconv.ParseUint(number, 0, 64)
		var a [6]uintptr
		for i, s := range strings.Split(list, ",") {
			v, _ := strconv.ParseUint(s, 0, 64)
			a[i] = uintptr(v)
		}
		var errno int
		if abi == "i386" {
			errno = max(0, -int(int80(uint32(n), uint32(a[0]), uint32(a[1]), uint32(a[2]), uint32(a[3]))))
		} else {
			if abi == "x32" {
				n |= 0x40000000
			}
			_, _, e := syscall.RawSyscall6(uintptr(n), a[0], a[1], a[2], a[3], a[4], a[5])
			errno = int(e)
		}
		fmt.Println(errno)
	}
	os.Exit(0)
}
