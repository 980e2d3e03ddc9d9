package hostnet

import (
	"encoding/binary"
	"syscall"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// A socket speaks rtnetlink(7) in the network namespace in which it was opened.
// Requests are gathered and sent together: to wait for each would take more of a
// jail's start than the kernel's own work.
type socket struct {
	fd    int
	seq   uint32
	queue []request
	buf   []byte
}

// A request is one message to the kernel.
type request struct {
	*nl.NetlinkRequest
	refused  func(error) error // says what it means; nil: it doesn't matter
	answered func(data []byte) // gets what was asked for
}

// together is how many requests are sent at once: their answers have to fit into
// the socket's buffer.
const together = 64

// openSocket opens one in this thread's namespace. It reads into buf, which it may
// share with others that are not used at the same time.
func openSocket(buf []byte) (*socket, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, setup.Fail("network", "netlink", err)
	}
	return &socket{fd: fd, buf: buf}, nil
}

func (s *socket) close() {
	if s != nil {
		unix.Close(s.fd)
	}
}

// change queues a request that makes or sets something.
func (s *socket) change(kind, flags int, refused func(error) error, parts ...nl.NetlinkRequestData) {
	s.add(kind, flags, request{refused: refused}, parts...)
}

// ask queues a question.
func (s *socket) ask(kind int, refused func(error) error, answered func([]byte), parts ...nl.NetlinkRequestData) {
	s.add(kind, 0, request{refused: refused, answered: answered}, parts...)
}

func (s *socket) add(kind, flags int, r request, parts ...nl.NetlinkRequestData) {
	r.NetlinkRequest = &nl.NetlinkRequest{NlMsghdr: unix.NlMsghdr{
		Type:  uint16(kind),
		Flags: uint16(unix.NLM_F_REQUEST | flags),
	}}
	r.Data = parts
	s.queue = append(s.queue, r)
}

// do sends what was queued and returns the first refusal that matters. The
// kernel carries out the requests in their order, and also those that follow a
// refused one.
func (s *socket) do() error {
	queue := s.queue
	s.queue = nil
	for len(queue) > 0 {
		n := min(len(queue), together)
		if err := s.exchange(queue[:n]); err != nil {
			return err
		}
		queue = queue[n:]
	}
	return nil
}

// exchange asks for an acknowledgement of the last request, after which nothing
// more comes; a refusal is told of any.
func (s *socket) exchange(list []request) error {
	last := len(list) - 1
	list[last].Flags |= unix.NLM_F_ACK
	first := s.seq + 1
	var packet []byte
	for i := range list {
		s.seq++
		list[i].Seq = s.seq
		packet = append(packet, list[i].Serialize()...)
	}
	if err := unix.Sendto(s.fd, packet, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return setup.Fail("network", "netlink", err)
	}
	results := make([]unix.Errno, len(list))
	for done := false; !done; {
		messages, err := s.receive()
		if err != nil {
			return setup.Fail("network", "netlink", err)
		}
		for _, m := range messages {
			i := m.Header.Seq - first
			switch {
			case i >= uint32(len(list)):
			case m.Header.Type == unix.NLMSG_ERROR && len(m.Data) >= 4:
				results[i] = unix.Errno(-int32(binary.NativeEndian.Uint32(m.Data)))
				done = done || i == uint32(last)
			case list[i].answered != nil:
				list[i].answered(m.Data)
			}
		}
	}
	for i, errno := range results {
		if errno == 0 || list[i].refused == nil {
			continue
		}
		if err := list[i].refused(errno); err != nil {
			return err
		}
	}
	return nil
}

func (s *socket) receive() ([]syscall.NetlinkMessage, error) {
	for {
		n, _, err := unix.Recvfrom(s.fd, s.buf, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, err
		}
		return syscall.ParseNetlinkMessage(s.buf[:n])
	}
}
