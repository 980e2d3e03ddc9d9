package hostnet

import (
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup/spawn/named"
)

// saved is the state of a device of the host, as it is kept while a jail has
// it.
type saved struct {
	NetNS     uint64         `json:"netns"` // inode of the host's network namespace
	Name      string         `json:"name"`
	MAC       string         `json:"mac"`
	MTU       int            `json:"mtu"`
	Up        bool           `json:"up"`
	Addresses []savedAddress `json:"addresses,omitempty"`
	Routes    []savedRoute   `json:"routes,omitempty"`
}

type savedAddress struct {
	Net   string `json:"net"`
	Flags int    `json:"flags,omitempty"`
	Scope int    `json:"scope,omitempty"`
	Label string `json:"label,omitempty"`
	Peer  string `json:"peer,omitempty"`
	Cast  string `json:"broadcast,omitempty"`

	// Of an address that isn't for good, in seconds, as they were.
	Valid     int `json:"valid,omitempty"`
	Preferred int `json:"preferred,omitempty"`
}

type savedRoute struct {
	Dst      string `json:"dst,omitempty"`
	Gateway  string `json:"gateway,omitempty"`
	Source   string `json:"source,omitempty"`
	Scope    int    `json:"scope"`
	Protocol int    `json:"protocol"`
	Priority int    `json:"priority,omitempty"`
	Table    int    `json:"table"`
	Type     int    `json:"type"`
	Flags    int    `json:"flags,omitempty"`
	MTU      int    `json:"mtu,omitempty"`
}

// save notes what the kernel forgets when a device changes its namespace. What
// it makes by itself, link-local addresses and routes to neighbours, is left to
// it.
func save(h *netlink.Handle, netns uint64, device netlink.Link) (*saved, error) {
	a := device.Attrs()
	s := &saved{NetNS: netns, Name: a.Name, MAC: a.HardwareAddr.String(), MTU: a.MTU, Up: a.Flags&net.FlagUp != 0}
	addresses, err := h.AddrList(device, netlink.FAMILY_ALL)
	if err != nil {
		return nil, err
	}
	for _, a := range addresses {
		if a.IP.To4() == nil && a.IP.IsLinkLocalUnicast() {
			continue
		}
		kept := savedAddress{Net: a.IPNet.String(), Flags: a.Flags & (unix.IFA_F_NOPREFIXROUTE | unix.IFA_F_NODAD), Scope: a.Scope, Label: a.Label, Cast: ipText(a.Broadcast)}
		if a.Peer != nil && !a.Peer.IP.Equal(a.IP) {
			kept.Peer = a.Peer.String()
		}
		if a.Flags&unix.IFA_F_PERMANENT == 0 {
			kept.Valid, kept.Preferred = a.ValidLft, a.PreferedLft
		}
		s.Addresses = append(s.Addresses, kept)
	}
	routes, err := h.RouteListFiltered(netlink.FAMILY_ALL, &netlink.Route{LinkIndex: a.Index}, netlink.RT_FILTER_OIF|netlink.RT_FILTER_TABLE)
	if err != nil {
		return nil, err
	}
	for _, r := range routes {
		if r.Protocol == unix.RTPROT_KERNEL || r.Protocol == unix.RTPROT_RA || r.Table == unix.RT_TABLE_LOCAL {
			continue
		}
		kept := savedRoute{
			Scope: int(r.Scope), Protocol: int(r.Protocol), Priority: r.Priority, Table: r.Table, Type: r.Type,
			Flags: r.Flags & unix.RTNH_F_ONLINK, MTU: r.MTU, Dst: text(r.Dst), Gateway: ipText(r.Gw), Source: ipText(r.Src),
		}
		s.Routes = append(s.Routes, kept)
	}
	// Routes by a gateway need those onto the wire.
	slices.SortStableFunc(s.Routes, func(a, b savedRoute) int { return len(a.Gateway) - len(b.Gateway) })
	return s, nil
}

// restore gives a bare device its state again.
func (s *saved) restore(h *netlink.Handle, device netlink.Link) error {
	if device.Attrs().Name != s.Name {
		if err := errors.Join(h.LinkSetDown(device), h.LinkSetName(device, s.Name)); err != nil {
			return err
		}
	}
	if mac, err := net.ParseMAC(s.MAC); err == nil && device.Attrs().HardwareAddr.String() != s.MAC {
		if err := h.LinkSetHardwareAddr(device, mac); err != nil {
			return err
		}
	}
	if err := h.LinkSetMTU(device, s.MTU); err != nil {
		return err
	}
	if s.Up {
		if err := h.LinkSetUp(device); err != nil {
			return err
		}
	}
	var problems []error
	for _, a := range s.Addresses {
		problems = append(problems, a.restore(h, device))
	}
	for _, r := range s.Routes {
		problems = append(problems, r.restore(h, device.Attrs().Index))
	}
	return errors.Join(problems...)
}

func (a *savedAddress) restore(h *netlink.Handle, device netlink.Link) error {
	ip, err := netlink.ParseIPNet(a.Net)
	if err != nil {
		return err
	}
	address := &netlink.Addr{IPNet: ip, Flags: a.Flags, Scope: a.Scope, Label: a.Label, Broadcast: net.ParseIP(a.Cast), ValidLft: a.Valid, PreferedLft: a.Preferred}
	if a.Cast == "" && ip.IP.To4() != nil {
		address.Broadcast = net.IPv4zero // none, where the library would make one up
	}
	if a.Peer != "" {
		if address.Peer, err = netlink.ParseIPNet(a.Peer); err != nil {
			return err
		}
	}
	return unless(unix.EEXIST, h.AddrAdd(device, address))
}

func (r *savedRoute) restore(h *netlink.Handle, index int) error {
	route := &netlink.Route{
		LinkIndex: index, Scope: netlink.Scope(r.Scope), Protocol: netlink.RouteProtocol(r.Protocol), Priority: r.Priority,
		Table: r.Table, Type: r.Type, Flags: r.Flags, MTU: r.MTU, Gw: net.ParseIP(r.Gateway), Src: net.ParseIP(r.Source),
	}
	if r.Dst != "" {
		_, dst, err := net.ParseCIDR(r.Dst)
		if err != nil {
			return err
		}
		route.Dst = dst
	}
	return unless(unix.EEXIST, h.RouteAdd(route))
}

func unless(expected, err error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}

func text(n *net.IPNet) string {
	if n == nil {
		return ""
	}
	return n.String()
}

func ipText(ip net.IP) string {
	if ip == nil {
		return ""
	}
	return ip.String()
}

// records is the directory of the devices that jails have. A record is locked
// as long as the jailspawn lives that will give its device back.
func records() string { return named.Path() + "-nics" }

func recordPath(name string) string { return filepath.Join(records(), name+".json") }

// record writes to disk what the next jailspawn has to put right in case this
// one is killed. It stays locked as long as the returned file is open, whose
// name is that of the record.
func record(what any, name string) (*os.File, error) {
	if err := os.Mkdir(records(), 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	fresh, err := os.CreateTemp(records(), ".new-*")
	if err != nil {
		return nil, err
	}
	if err = json.NewEncoder(fresh).Encode(what); err == nil {
		err = unix.Flock(int(fresh.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	}
	fd := -1
	if err == nil {
		fd, err = unix.FcntlInt(fresh.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	}
	if err == nil {
		err = os.Rename(fresh.Name(), recordPath(name))
	}
	_ = fresh.Close()
	if err != nil {
		_ = os.Remove(fresh.Name())
		return nil, err
	}
	return os.NewFile(uintptr(fd), recordPath(name)), nil
}

// abandonedRecord reads a record whose writer is gone, and locks it. It returns
// nil if the writer lives, or somebody else was faster.
func abandonedRecord(name string, what any) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, nil
	}
	if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		_ = f.Close()
		return nil, nil
	}
	if err := json.NewDecoder(f).Decode(what); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}
