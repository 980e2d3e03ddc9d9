package hostnet

import (
	"errors"
	"hash/fnv"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// claimAddresses keeps the addresses of a jail on the wire of a device of the
// host from other jails there: the host has no route to each, as it has for a
// veth pair, that would tell. It runs in the host's network namespace. The
// kernel frees a claim however this process ends.
func (w *work) claimAddresses() error {
	for i := range w.links {
		l := &w.links[i]
		if l.Parent == "" || l.Kind == setup.NIC {
			continue
		}
		for _, p := range l.prefixes() {
			fd, err := w.claimAddress(l.Parent, p.Addr().String())
			switch err {
			case nil:
				w.held = append(w.held, fd)
			case unix.EAGAIN, unix.EACCES, unix.EADDRINUSE:
				return l.fail("address "+p.Addr().String()+" is taken", nil, "another jail on "+l.Parent+" has it; give this one another")
			default:
				return l.fail("claim address "+p.Addr().String(), err, "")
			}
		}
	}
	return nil
}

// claimAddress locks one byte of a file, which stays empty and which nobody else
// can open. Who may not make it has the network namespace for himself, and his
// jails find each other by an abstract socket.
func (w *work) claimAddress(parent, address string) (int, error) {
	fd, err := openClaims()
	if err != nil {
		if fd, err = datagramSocket(); err == nil {
			err = unix.Bind(fd, &unix.SockaddrUnix{Name: "@jailspawn/address/" + parent + "/" + address})
		}
	} else {
		hash := fnv.New64a()
		_, _ = hash.Write([]byte(strconv.FormatUint(w.hostID, 10) + "/" + parent + "/" + address))
		lock := unix.Flock_t{Type: unix.F_WRLCK, Start: int64(hash.Sum64() >> 2), Len: 1}
		err = unix.FcntlFlock(uintptr(fd), unix.F_OFD_SETLK, &lock)
	}
	if err != nil && fd >= 0 {
		unix.Close(fd)
	}
	return fd, err
}

func openClaims() (int, error) {
	if err := os.Mkdir(records(), 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return -1, err
	}
	return unix.Open(filepath.Join(records(), ".addresses"), unix.O_RDWR|unix.O_CREAT|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
}
