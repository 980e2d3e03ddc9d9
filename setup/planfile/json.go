// Package planfile reads and writes plans as JSON, the form for people and
// their programs. It runs on the host; the pipe to jailinit has an encoding of
// its own.
package planfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"

	"github.com/jailspawn/jailspawn/setup"
)

// Write writes the plan as indented JSON, the form that [Read] reads. A plan
// with text that is no UTF-8 can't be written so.
func Write(w io.Writer, p *setup.Plan) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(p); err != nil {
		return err
	}
	// The encoder writes this for a byte that is no part of UTF-8, and for
	// nothing else.
	if bytes.Contains(b.Bytes(), []byte(`\ufffd`)) {
		return setup.Misuse("", "has text that is not UTF-8, which JSON can't hold", "show the file by a bind, or run it without printing the plan")
	}
	_, err := w.Write(b.Bytes())
	return err
}

// Read reads one plan. Unknown fields, another version, anything behind
// the plan and more than [MaxPlan] bytes are refused.
func Read(r io.Reader) (*setup.Plan, error) {
	data, err := io.ReadAll(io.LimitReader(r, setup.MaxPlan+1))
	if err != nil {
		return nil, setup.Fail("plan", "", err)
	}
	if len(data) > setup.MaxPlan {
		return nil, setup.Misuse("", "larger than the limit of "+strconv.Itoa(setup.MaxPlan)+" bytes", "")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	p := new(setup.Plan)
	if err := d.Decode(p); err != nil {
		return nil, jsonError(data, d.InputOffset(), err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, setup.Misuse(position(data, d.InputOffset()), "something follows the plan", "a plan is one JSON object")
	}
	if err := setup.VersionError(p.Version); err != nil {
		err.(*setup.Error).Status = setup.StatusMisuse
		return nil, err
	}
	return p, nil
}

// jsonError says where in data and why the decoder stopped.
func jsonError(data []byte, offset int64, err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return setup.Misuse(position(data, int64(len(data))), "truncated", "")
	case errors.As(err, &syntax):
		return setup.Misuse(position(data, syntax.Offset), syntax.Error(), "")
	case errors.As(err, &kind):
		return setup.Misuse(position(data, kind.Offset), "field "+kind.Field+" can't be a "+kind.Value, "")
	}
	detail := err.Error()
	const prefix = "json: "
	if len(detail) > len(prefix) && detail[:len(prefix)] == prefix {
		detail = detail[len(prefix):]
	}
	return setup.Misuse(position(data, offset), detail, "the fields are those that jailspawn plan prints")
}

// position names the line and column of an offset, both from 1.
func position(data []byte, offset int64) string {
	offset = min(offset, int64(len(data)))
	before := data[:offset]
	line := bytes.Count(before, []byte{'\n'}) + 1
	column := len(before) - (bytes.LastIndexByte(before, '\n') + 1)
	return "line " + strconv.Itoa(line) + " column " + strconv.Itoa(max(column, 1))
}
