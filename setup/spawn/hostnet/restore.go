package hostnet

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// Restore gives devices their state again that killed jailspawns had lent to
// jails and that the kernel returned bare. It returns their names, and does
// nothing for a caller who never lent one. A device that didn't come back, as
// virtual ones don't, is forgotten. It also ends the pasta(1) of a killed
// jailspawn.
func Restore() (restored []string, err error) {
	names, _ := filepath.Glob(records() + "/*.json")
	if len(names) == 0 {
		return nil, nil
	}
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, setup.Fail("network", "", err)
	}
	defer h.Close()
	for _, name := range names {
		var back string
		var oneErr error
		if strings.HasPrefix(filepath.Base(name), pastaRecord) {
			oneErr = sweepPasta(name)
		} else {
			back, oneErr = restoreOne(h, name)
		}
		if back != "" {
			restored = append(restored, back)
		}
		if oneErr != nil && err == nil {
			err = &setup.Error{Step: "network", Target: name, Detail: oneErr.Error(), Hint: "bring the device up by hand, and remove the file"}
		}
	}
	return restored, err
}

func restoreOne(h *netlink.Handle, name string) (restored string, err error) {
	s := new(saved)
	f, err := abandonedRecord(name, s)
	if f == nil || err != nil {
		return "", err
	}
	defer f.Close()
	ns, err := openNS()
	if err != nil {
		return "", err
	}
	defer unix.Close(ns)
	if id, err := namespaceID(ns); err != nil || id != s.NetNS {
		return "", err // of another host, so to say
	}
	if device := s.find(h); device != nil {
		if err := s.restore(h, device); err != nil {
			return "", err
		}
		restored = s.Name
	}
	return restored, os.Remove(name)
}

// find looks for the device among those of the host. It may have the name that
// it had in the jail; what stays is the hardware address it was made with.
func (s *saved) find(h *netlink.Handle) netlink.Link {
	links, err := h.LinkList()
	if err != nil {
		return nil
	}
	for _, l := range links {
		a := l.Attrs()
		if a.HardwareAddr.String() == s.MAC || (a.PermHWAddr != nil && a.PermHWAddr.String() == s.MAC) {
			return l
		}
	}
	return nil
}

// namespaceID is the number that tells namespaces apart (namespaces(7)).
func namespaceID(ns int) (uint64, error) {
	var st unix.Stat_t
	err := unix.Fstat(ns, &st)
	return st.Ino, setup.Fail("network", ownNS, err)
}
