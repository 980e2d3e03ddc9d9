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
	body := coder{buf: make([]byte, 0, 4096)}
	p.code(&body)
	if len(body.buf) > MaxPlan {
		return nil, tooLarge(len(body.buf))
	}
	head := coder{buf: make([]byte, 0, len(body.buf)+64)}
	head.buf = append(head.buf, magic...)
	build := Build
	str(&head, &build)
	head.buf = binary.AppendUvarint(head.buf, uint64(len(body.buf)))
	return append(head.buf, body.buf...), nil
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
	c := coder{buf: data[len(magic):], decoding: true}
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
