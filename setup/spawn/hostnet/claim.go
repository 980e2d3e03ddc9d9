package hostnet

import (
	"errors"
	"hash/fnv"
	"net/netip"
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
			if err := w.claimAddress(l, l.Parent, p.Addr()); err != nil {
				return err
			}
		}
	}
	return nil
}

// free refuses the link's addresses that the host itself has, and notes where
// the host's way to the others leads. It only asks; the next exchange answers.
func (w *work) free(l *link) {
	for _, p := range l.prefixes() {
		a := p.Addr()
		w.host.way(a, func(kind, bits byte, device int) {
			switch {
			case kind == unix.RTN_LOCAL && l.refused == nil:
				l.refused = l.fail("address "+a.String()+" is taken by the host itself", nil, "give the jail another")
			case bits > 0:
				l.ways = append(l.ways, way{a, device, int(bits) == a.BitLen()})
			}
		})
	}
}

// A way is how the host reaches an address, but for its default route.
type way struct {
	to     netip.Addr
	device int
	alone  bool // it leads to this address alone
}

// claimWays keeps a pair's addresses that the host would find on a bridge from
// the jails there.
func (w *work) claimWays(l *link) error {
	for _, way := range l.ways {
		if way.device == 0 {
			continue
		}
		var seen seenLink
		w.host.look(way.device, "", nil, &seen)
		if err := w.host.do(); err != nil {
			return err
		}
		if seen.kind == "bridge" {
			if err := w.claimAddress(l, seen.name, way.to); err != nil {
				return err
			}
		}
	}
	return nil
}

// unclaimed refuses an address on a bridge that the host leads to a living jail
// with a pair.
func (w *work) unclaimed(l *link) error {
	for _, way := range l.ways {
		if way.alone && w.lives(way.to) {
			return l.taken(way.to, "another jail or route of the host has it")
		}
	}
	return nil
}

func (l *link) taken(a netip.Addr, by string) error {
	return l.fail("address "+a.String()+" is taken", nil, by+"; give this one another")
}

// claimAddress claims an address on the wire of a device of the host.
func (w *work) claimAddress(l *link, device string, a netip.Addr) error {
	fd, err := w.lockAddress(device, a.String())
	switch err {
	case nil:
		w.held = append(w.held, fd)
		return nil
	case unix.EAGAIN, unix.EACCES, unix.EADDRINUSE:
		return l.taken(a, "another jail on "+device+" has it")
	}
	return l.fail("claim address "+a.String(), err, "")
}

// lockAddress locks one byte of a file, which stays empty and which nobody else
// can open. Who may not make it has the network namespace for himself, and his
// jails find each other by an abstract socket.
func (w *work) lockAddress(parent, address string) (int, error) {
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
