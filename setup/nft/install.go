// Package nft installs nf_tables rules. Both halves use it: jailspawn for the
// tables on the host, jailinit for the filter inside the jail, which it gets
// ready-made with the plan.
//
// A table belongs to the netlink socket that installed it: nobody else can
// change or flush it, and it is gone when the socket closes, however its
// process ends.
package nft

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Install puts a batch into force in the network namespace of the calling
// thread. The table lives as long as the returned socket, which is closed on
// exec. It needs CAP_NET_ADMIN over the namespace.
func Install(batch []byte) (socket int, err error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
	if err != nil {
		return -1, err
	}
	if err := exchange(fd, batch); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// Hint says what to do about an error of [Install].
func Hint(err error) string {
	switch err {
	case unix.ENOENT, unix.EPROTONOSUPPORT, unix.EOPNOTSUPP:
		return "the kernel needs nf_tables with ct, fib, nat, masquerade and reject"
	case unix.EPERM:
		return "packet filters need CAP_NET_ADMIN"
	case unix.EMSGSIZE:
		return "there are too many rules"
	}
	return ""
}

// exchange sends the batch and waits for its acknowledgement, or the first
// error.
func exchange(fd int, batch []byte) error {
	if err := unix.Sendto(fd, batch, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	buf := make([]byte, 4<<10)
	for {
		n, _, err := unix.Recvfrom(fd, buf, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		if acknowledged, err := answer(buf[:n]); acknowledged || err != nil {
			return err
		}
	}
}

// answer looks through the messages of one packet. Only the last object asks
// for an acknowledgement, so the first one ends the wait.
func answer(packet []byte) (acknowledged bool, err error) {
	for len(packet) >= unix.NLMSG_HDRLEN+4 {
		size := binary.NativeEndian.Uint32(packet)
		if size < unix.NLMSG_HDRLEN+4 || int(size) > len(packet) {
			return false, unix.EPROTO
		}
		if binary.NativeEndian.Uint16(packet[4:]) == unix.NLMSG_ERROR {
			code := int32(binary.NativeEndian.Uint32(packet[unix.NLMSG_HDRLEN:]))
			if code == 0 {
				return true, nil
			}
			return false, unix.Errno(-code)
		}
		packet = packet[min(len(packet), int(size+3)&^3):]
	}
	return false, nil
}
