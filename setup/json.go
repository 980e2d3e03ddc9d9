package setup

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
)

// WriteJSON writes the plan as indented JSON, the form that [ReadJSON] reads.
func WriteJSON(w io.Writer, p *Plan) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(p)
}

// ReadJSON reads one plan. Unknown fields, another version, anything behind
// the plan and more than [MaxPlan] bytes are refused.
func ReadJSON(r io.Reader) (*Plan, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxPlan+1))
	if err != nil {
		return nil, Fail("plan", "", err)
	}
	if len(data) > MaxPlan {
		return nil, misuse("", "larger than the limit of "+strconv.Itoa(MaxPlan)+" bytes", "")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	p := new(Plan)
	if err := d.Decode(p); err != nil {
		return nil, jsonError(data, d.InputOffset(), err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, misuse(position(data, d.InputOffset()), "something follows the plan", "a plan is one JSON object")
	}
	if err := versionError(p.Version); err != nil {
		err.(*Error).Status = StatusMisuse
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
		return misuse(position(data, int64(len(data))), "truncated", "")
	case errors.As(err, &syntax):
		return misuse(position(data, syntax.Offset), syntax.Error(), "")
	case errors.As(err, &kind):
		return misuse(position(data, kind.Offset), "field "+kind.Field+" can't be a "+kind.Value, "")
	}
	detail := err.Error()
	const prefix = "json: "
	if len(detail) > len(prefix) && detail[:len(prefix)] == prefix {
		detail = detail[len(prefix):]
	}
	return misuse(position(data, offset), detail, "the fields are those that jailspawn plan prints")
}

// position names the line and column of an offset, both from 1.
func position(data []byte, offset int64) string {
	offset = min(offset, int64(len(data)))
	before := data[:offset]
	line := bytes.Count(before, []byte{'\n'}) + 1
	column := len(before) - (bytes.LastIndexByte(before, '\n') + 1)
	return "line " + strconv.Itoa(line) + " column " + strconv.Itoa(max(column, 1))
}

func misuse(target, detail, hint string) *Error {
	return &Error{Step: "plan", Target: target, Detail: detail, Hint: hint, Status: StatusMisuse}
}
