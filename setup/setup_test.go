package setup

import (
	"bytes"
	"errors"
	"io/fs"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fill gives every field of a value something that is not its zero value, so
// that a field which the wire forgets shows.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int:
		v.SetInt(int64(*n))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		v.SetUint(uint64(*n))
	case reflect.String:
		v.SetString(strings.Repeat("x", *n%7) + "s")
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), n)
		fill(v.Index(1), n)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	}
}

func fullPlan() *Plan {
	p, n := new(Plan), 0
	fill(reflect.ValueOf(p).Elem(), &n)
	p.Version = Version
	return p
}

func TestEveryFieldCrossesThePipe(t *testing.T) {
	want := fullPlan()
	data, err := Encode(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeRefuses(t *testing.T) {
	good, err := Encode(fullPlan())
	if err != nil {
		t.Fatal(err)
	}
	for i := range good {
		if _, err := Decode(good[:i]); err == nil {
			t.Fatalf("a plan cut at byte %d was accepted", i)
		}
	}
	if _, err := Decode(append(bytes.Clone(good), 0)); err == nil {
		t.Error("a trailing byte was accepted")
	}
	other := bytes.Replace(good, []byte(Build), []byte(strings.ToUpper(Build)), 1)
	if _, err := Decode(other); err == nil || !strings.Contains(err.Error(), Build) {
		t.Errorf("another build: %v", err)
	}
	if _, err := Decode(make([]byte, MaxPlan+2048)); err == nil {
		t.Error("a plan over the limit was accepted")
	}
}

func TestErrorCrossesThePipe(t *testing.T) {
	want := Error{Step: "mount", Target: "/srv", Detail: "bind /data", Errno: syscall.ENOENT, Hint: "create it", Status: 125}
	frame := (&Event{Kind: EventFailed, Err: want}).Encode()
	e, rest, err := DecodeEvent(append(frame, 'r'))
	if err != nil || string(rest) != "r" {
		t.Fatal(err, rest)
	}
	if !errors.Is(&e.Err, fs.ErrNotExist) {
		t.Error("the errno was lost")
	}
	if got := e.Err.Error(); got != "mount /srv: bind /data: no such file or directory (hint: create it)" {
		t.Error(got)
	}
	for i := range frame {
		if e, _, err := DecodeEvent(frame[:i]); e != nil || err != nil {
			t.Fatalf("a frame cut at %d gave %v, %v", i, e, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	good, _ := Encode(fullPlan())
	f.Add(good)
	f.Fuzz(func(t *testing.T, data []byte) {
		if p, err := Decode(data); err == nil {
			again, err := Encode(p)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Decode(again); err != nil {
				t.Fatal(err)
			}
		}
		_, _, _ = DecodeEvent(data)
	})
}
