package setup

import (
	"encoding/binary"
	"strconv"
)

// magic opens an encoded plan. Behind it stand the build of the sender and the
// length of the rest, both readable by any build.
const magic = "jailplan"

// Encode returns the plan as it goes down the pipe to a jailinit of the same
// [Build]. It fails if the plan is larger than [MaxPlan].
func Encode(p *Plan) ([]byte, error) {
	const usual = 8192 // bytes of a plan, with room to spare
	head := coder{buf: append(make([]byte, 0, 64), magic...)}
	build := Build
	str(&head, &build)
	room := len(head.buf) + binary.MaxVarintLen64
	body := coder{buf: make([]byte, room, usual)}
	p.code(&body)
	length := len(body.buf) - room
	if length > MaxPlan {
		return nil, tooLarge(length)
	}
	head.buf = binary.AppendUvarint(head.buf, uint64(length))
	start := room - len(head.buf)
	copy(body.buf[start:], head.buf)
	return body.buf[start:], nil
}

// Decode reads what [Encode] wrote. It accepts nothing else: not another
// build, not a byte more or less.
func Decode(data []byte) (*Plan, error) {
	if len(data) > MaxPlan+1024 {
		return nil, tooLarge(len(data))
	}
	if len(data) < len(magic) || string(data[:len(magic)]) != magic {
		return nil, &Error{Step: "plan", Detail: "not an encoded plan", Hint: "start jails with jailspawn"}
	}
	c := coder{buf: data[len(magic):], text: string(data[len(magic):]), decoding: true}
	var build string
	str(&c, &build)
	if c.err == nil && build != Build {
		return nil, &Error{
			Step:   "plan",
			Detail: "jailspawn is of build " + build + " but jailinit of build " + Build,
			Hint:   "install both binaries from the same build",
		}
	}
	if n := c.uvarint(0); c.err == nil && n != uint64(len(c.buf)) {
		if n < uint64(len(c.buf)) {
			c.fail(errTrailing)
		} else {
			c.fail(errTruncated)
		}
	}
	p := new(Plan)
	p.code(&c)
	if c.err == nil && len(c.buf) > 0 {
		c.fail(errTrailing)
	}
	if c.err != nil {
		return nil, &Error{Step: "plan", Detail: c.err.Error()}
	}
	return p, VersionError(p.Version)
}

func tooLarge(n int) error {
	return &Error{
		Step:   "plan",
		Detail: strconv.Itoa(n) + " bytes, the limit is " + strconv.Itoa(MaxPlan),
		Hint:   "pass large content by a bind mount or a descriptor",
	}
}

// VersionError is nil for the version that this build reads.
func VersionError(v int) error {
	if v == Version {
		return nil
	}
	return &Error{
		Step: "plan", Target: "version",
		Detail: strconv.Itoa(v) + " is not known, this build reads version " + strconv.Itoa(Version),
	}
}
