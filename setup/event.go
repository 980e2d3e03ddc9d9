package setup

import (
	"encoding/binary"
	"syscall"
)

// EventKind tells the events apart.
type EventKind uint8

// The events, in the order in which a jail sends them. A jail that can't be
// built sends EventFailed alone.
const (
	// EventStarted: the payload is running its own program.
	EventStarted EventKind = iota + 1
	// EventStopped: a signal stopped the payload; Status is its number.
	EventStopped
	// EventExited: the payload ended; Status is what wait4(2) gave. What it
	// left behind may still be ending.
	EventExited
	// EventTerminal: an answer to [RequestExec]. The master of the new terminal
	// comes with it (SCM_RIGHTS); the process starts upon [RequestGo].
	EventTerminal
	// EventFailed: a step went wrong; Err says which. The jail is ending.
	EventFailed
)

// An Event is what jailinit reports through [StatusFD].
type Event struct {
	Kind   EventKind
	Status uint32 // EventStopped, EventExited
	Alone  bool   // EventExited: jailinit is all that is left, and will be
	Err    Error  // EventFailed
}

const (
	eventHeader = 4
	maxEvent    = 64 << 10
)

func (e *Event) code(c *coder) {
	num(c, &e.Kind)
	num(c, &e.Status)
	flag(c, &e.Alone)
	str(c, &e.Err.Step)
	str(c, &e.Err.Target)
	str(c, &e.Err.Detail)
	num(c, (*uintptr)(&e.Err.Errno))
	str(c, &e.Err.Hint)
	num(c, &e.Err.Status)
}

// Encode returns the event as one frame.
func (e *Event) Encode() []byte {
	c := coder{buf: make([]byte, eventHeader, 64)}
	e.code(&c)
	if len(c.buf) > eventHeader+maxEvent {
		long := Event{Kind: e.Kind, Status: e.Status, Err: Error{Step: e.Err.Step, Errno: e.Err.Errno, Status: e.Err.Status}}
		return long.Encode()
	}
	binary.LittleEndian.PutUint32(c.buf, uint32(len(c.buf)-eventHeader))
	return c.buf
}

// DecodeEvent takes the first frame off buf and returns what is left. A nil
// event without error means that the frame isn't complete yet.
func DecodeEvent(buf []byte) (e *Event, rest []byte, err error) {
	if len(buf) < eventHeader {
		return nil, buf, nil
	}
	n := binary.LittleEndian.Uint32(buf)
	if n > maxEvent {
		return nil, nil, badEvent("frame too long")
	}
	if uint32(len(buf)-eventHeader) < n {
		return nil, buf, nil
	}
	c := coder{buf: buf[eventHeader : eventHeader+n], decoding: true}
	e = new(Event)
	e.code(&c)
	if c.err == nil && len(c.buf) > 0 {
		c.fail(errTrailing)
	}
	if c.err == nil && (e.Kind < EventStarted || e.Kind > EventFailed) {
		c.fail(errRange)
	}
	if c.err != nil {
		return nil, nil, badEvent(c.err.Error())
	}
	return e, buf[eventHeader+n:], nil
}

func badEvent(detail string) error {
	return &Error{Step: "status", Detail: "jailinit sent no event that this build knows: " + detail, Errno: syscall.EPROTO}
}
