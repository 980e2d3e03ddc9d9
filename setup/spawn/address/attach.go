package address

import (
	"net/netip"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

const (
	afINET  = unix.AF_INET
	afINET6 = unix.AF_INET6
)

// Confine holds the processes of a cgroup of version 2 to addresses, for as long
// as the cgroup is there. It has to be called before they make any socket.
func Confine(cgroup int, addresses []netip.Addr) error {
	s := newSet(addresses)
	for _, a := range []struct {
		name         string
		kind, attach uint32
		program      *program
	}{
		{"bind4", unix.BPF_PROG_TYPE_CGROUP_SOCK_ADDR, unix.BPF_CGROUP_INET4_BIND, s.bind4()},
		{"bind6", unix.BPF_PROG_TYPE_CGROUP_SOCK_ADDR, unix.BPF_CGROUP_INET6_BIND, s.bind6()},
		{"connect4", unix.BPF_PROG_TYPE_CGROUP_SOCK_ADDR, unix.BPF_CGROUP_INET4_CONNECT, s.connect4()},
		{"connect6", unix.BPF_PROG_TYPE_CGROUP_SOCK_ADDR, unix.BPF_CGROUP_INET6_CONNECT, s.connect6()},
		{"sendmsg4", unix.BPF_PROG_TYPE_CGROUP_SOCK_ADDR, unix.BPF_CGROUP_UDP4_SENDMSG, s.sendmsg4()},
		{"sendmsg6", unix.BPF_PROG_TYPE_CGROUP_SOCK_ADDR, unix.BPF_CGROUP_UDP6_SENDMSG, s.sendmsg6()},
		{"create", unix.BPF_PROG_TYPE_CGROUP_SOCK, unix.BPF_CGROUP_INET_SOCK_CREATE, create()},
		// Where the destination stands in the headers, and the source.
		{"ingress", unix.BPF_PROG_TYPE_CGROUP_SKB, unix.BPF_CGROUP_INET_INGRESS, s.packets(16, 24)},
		{"egress", unix.BPF_PROG_TYPE_CGROUP_SKB, unix.BPF_CGROUP_INET_EGRESS, s.packets(12, 8)},
	} {
		fd, err := load(a.name, a.kind, a.attach, a.program.assemble())
		if err == nil {
			err = attach(cgroup, fd, a.attach)
			unix.Close(fd)
		}
		if err != nil {
			return addressError(a.name, err)
		}
	}
	return nil
}

// Present makes sure that an address is one of this host's, in the network
// namespace of the caller.
func Present(a netip.Addr) error {
	family, sockaddr := unix.AF_INET6, unix.Sockaddr(&unix.SockaddrInet6{Addr: a.As16()})
	if a.Is4() {
		family, sockaddr = unix.AF_INET, &unix.SockaddrInet4{Addr: a.As4()}
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		err = unix.Bind(fd, sockaddr)
		unix.Close(fd)
	}
	if err == nil {
		return nil
	}
	e := setup.Fail("network", a.String(), err).(*setup.Error)
	if err == unix.EADDRNOTAVAIL {
		e.Detail, e.Hint = "no interface of the host has this address", "add it: ip address add "+a.String()+"/PREFIX dev DEVICE"
	}
	return e
}

func addressError(name string, err error) error {
	e := setup.Fail("network", "", err).(*setup.Error)
	e.Detail = "the program " + name + " for the jail's addresses"
	switch err {
	case unix.EPERM, unix.EACCES:
		e.Hint = "jails by address need root on the host, with CAP_BPF and CAP_NET_ADMIN; --net veth and --net user don't"
	case unix.EINVAL, unix.ENOSYS:
		e.Hint = "the kernel needs CONFIG_CGROUP_BPF"
	}
	return e
}

// programLicense is what the kernel is told; none of the functions that we call
// is for GPL programs alone.
var programLicense = [...]byte{'A', 'p', 'a', 'c', 'h', 'e', '-', '2', '.', '0', 0}

// maxTries bounds how often an interrupted check is started anew.
const maxTries = 100

// load gives a program to the kernel, which checks it (BPF_PROG_LOAD of bpf(2)).
func load(name string, kind, attachType uint32, code []byte) (int, error) {
	attr := struct {
		kind, count        uint32
		code, license      uint64
		logLevel, logSize  uint32
		log                uint64
		version, flags     uint32
		name               [16]byte
		device, attachType uint32
	}{
		kind: kind, count: uint32(len(code) / 8), attachType: attachType,
		code: address(unsafe.Pointer(&code[0])), license: address(unsafe.Pointer(&programLicense)),
	}
	copy(attr.name[:15], "jail_"+name)
	// EAGAIN: a signal, such as the Go runtime sends to itself, interrupted the
	// check of the program, which starts anew.
	fd, _, errno := uintptr(0), uintptr(0), unix.EAGAIN
	for try := 0; errno == unix.EAGAIN && try < maxTries; try++ {
		fd, _, errno = unix.Syscall(unix.SYS_BPF, unix.BPF_PROG_LOAD, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	}
	runtime.KeepAlive(code)
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}

func address(p unsafe.Pointer) uint64 { return uint64(uintptr(p)) }

// attach runs a program at a hook of a cgroup, beside those that are there: a
// cgroup above or below can only forbid more (BPF_F_ALLOW_MULTI).
func attach(cgroup, program int, attachType uint32) error {
	attr := struct{ target, program, attachType, flags uint32 }{uint32(cgroup), uint32(program), attachType, unix.BPF_F_ALLOW_MULTI}
	_, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_PROG_ATTACH, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	if errno != 0 {
		return errno
	}
	return nil
}
