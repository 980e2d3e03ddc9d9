package hostnet

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// A socket speaks rtnetlink(7) in the network namespace in which it was opened.
// Requests are gathered and sent together: to wait for each would take more of a
// jail's start than the kernel's own work. For the same reason they are written
// in place, see [netattr].
type socket struct {
	fd    int
	seq   uint32
	queue []request
	out   []byte // their messages
	buf   []byte // for answers
}

// A request is one message to the kernel.
type request struct {
	at       int               // where it starts
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

// change queues a request that makes or sets something. Its header and its
// attributes are written next.
func (s *socket) change(kind, flags int, refused func(error) error) {
	s.add(kind, flags, request{refused: refused})
}

// ask queues a question, likewise.
func (s *socket) ask(kind int, refused func(error) error, answered func([]byte)) {
	s.add(kind, 0, request{refused: refused, answered: answered})
}

func (s *socket) add(kind, flags int, r request) {
	s.seal()
	if s.out == nil {
		s.out = make([]byte, 0, 512)
	}
	r.at = len(s.out)
	s.seq++
	s.out = binary.NativeEndian.AppendUint32(s.out, 0)
	s.out = binary.NativeEndian.AppendUint16(s.out, uint16(kind))
	s.out = binary.NativeEndian.AppendUint16(s.out, uint16(unix.NLM_F_REQUEST|flags))
	s.out = binary.NativeEndian.AppendUint32(s.out, s.seq)
	s.out = binary.NativeEndian.AppendUint32(s.out, 0)
	s.queue = append(s.queue, r)
}

// seal ends the last message.
func (s *socket) seal() {
	if n := len(s.queue); n > 0 {
		at := s.queue[n-1].at
		binary.NativeEndian.PutUint32(s.out[at:], uint32(len(s.out)-at))
	}
}

// do sends what was queued and returns the first refusal that matters. The
// kernel carries out the requests in their order, and also those that follow a
// refused one.
func (s *socket) do() error {
	s.seal()
	queue, out := s.queue, s.out
	first := s.seq - uint32(len(queue)) + 1
	s.queue, s.out = nil, nil
	for len(queue) > 0 {
		n, end := min(len(queue), together), len(out)
		if n < len(queue) {
			end = queue[n].at
		}
		flags := out[queue[n-1].at+6:]
		binary.NativeEndian.PutUint16(flags, binary.NativeEndian.Uint16(flags)|unix.NLM_F_ACK)
		if err := s.exchange(queue[:n], out[queue[0].at:end], first); err != nil {
			return err
		}
		queue, first = queue[n:], first+uint32(n)
	}
	return nil
}

// exchange sends a packet of requests. The last asks for an acknowledgement,
// after which nothing more comes; a refusal is told of any.
func (s *socket) exchange(list []request, packet []byte, first uint32) error {
	if err := unix.Sendto(s.fd, packet, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return setup.Fail("network", "netlink", err)
	}
	results := make([]unix.Errno, len(list))
	for done := false; !done; {
		answers, err := s.receive()
		if err != nil {
			return setup.Fail("network", "netlink", err)
		}
		for len(answers) >= unix.NLMSG_HDRLEN {
			size := int(binary.NativeEndian.Uint32(answers))
			if size < unix.NLMSG_HDRLEN || size > len(answers) {
				return setup.Fail("network", "netlink", unix.EPROTO)
			}
			data := answers[unix.NLMSG_HDRLEN:size]
			i := binary.NativeEndian.Uint32(answers[8:]) - first
			switch {
			case i >= uint32(len(list)):
			case binary.NativeEndian.Uint16(answers[4:]) == unix.NLMSG_ERROR && len(data) >= 4:
				results[i] = unix.Errno(-int32(binary.NativeEndian.Uint32(data)))
				done = done || i == uint32(len(list)-1)
			case list[i].answered != nil:
				list[i].answered(data)
			}
			answers = answers[min(len(answers), (size+3)&^3):]
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

func (s *socket) receive() ([]byte, error) {
	for {
		n, _, err := unix.Recvfrom(s.fd, s.buf, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, err
		}
		return s.buf[:n], nil
	}
}
