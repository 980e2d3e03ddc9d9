package setup

import "encoding/binary"

// RequestKind tells the requests apart.
type RequestKind uint8

// The requests.
const (
	// RequestExec starts a process under the confinement of the payload. Three
	// descriptors come with it (SCM_RIGHTS): its standard input, output and
	// error. The answers are EventStarted and EventExited, or EventFailed. The
	// process is killed with its group when the connection ends before it.
	RequestExec RequestKind = iota + 1
	// RequestSignal sends a signal: behind a RequestExec to that process, else
	// to the payload. Only the latter is answered, by EventStarted or
	// EventFailed.
	RequestSignal
	// RequestGo answers EventTerminal, when the terminal has its size.
	RequestGo
)

// A Request is what jailspawn asks of the process 1 of a named jail, on a
// connection to its socket. Each is answered by [Event] frames.
type Request struct {
	Kind   RequestKind
	Argv   []string // RequestExec
	Env    []string // RequestExec: the whole environment
	Cwd    string   // RequestExec: the working directory inside
	TTY    Terminal // RequestExec: whether it gets a terminal of the jail's own
	Signal uint32   // RequestSignal
}

func (r *Request) code(c *coder) {
	num(c, &r.Kind)
	list(c, &r.Argv, str[string])
	list(c, &r.Env, str[string])
	str(c, &r.Cwd)
	str(c, &r.TTY)
	num(c, &r.Signal)
}

// Encode returns the request as one frame. It fails if that is longer than
// [MaxPlan].
func (r *Request) Encode() ([]byte, error) {
	c := coder{buf: make([]byte, eventHeader, 512)}
	r.code(&c)
	if len(c.buf) > MaxPlan {
		e := tooLarge(len(c.buf)).(*Error)
		e.Step = "exec"
		return nil, e
	}
	binary.LittleEndian.PutUint32(c.buf, uint32(len(c.buf)-eventHeader))
	return c.buf, nil
}

// DecodeRequest takes the first frame off buf and returns what is left. A nil
// request without error means that the frame isn't complete yet.
func DecodeRequest(buf []byte) (r *Request, rest []byte, err error) {
	if len(buf) < eventHeader {
		return nil, buf, nil
	}
	n := binary.LittleEndian.Uint32(buf)
	if n > MaxPlan {
		return nil, nil, badRequest("frame too long")
	}
	if uint32(len(buf)-eventHeader) < n {
		return nil, buf, nil
	}
	c := coder{buf: buf[eventHeader : eventHeader+n], decoding: true}
	r = new(Request)
	r.code(&c)
	if c.err == nil && len(c.buf) > 0 {
		c.fail(errTrailing)
	}
	if c.err == nil && (r.Kind < RequestExec || r.Kind > RequestGo) {
		c.fail(errRange)
	}
	if c.err != nil {
		return nil, nil, badRequest(c.err.Error())
	}
	return r, buf[eventHeader+n:], nil
}

func badRequest(detail string) error {
	return &Error{
		Step: "exec", Detail: "no request that this jail's build knows: " + detail,
		Hint: "use the jailspawn that started the jail",
	}
}
