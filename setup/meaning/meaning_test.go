package meaning

import (
	"reflect"
	"strings"
	"testing"

	"github.com/jailspawn/jailspawn/setup"
)

// TestEveryFieldIsTold sets each field of a plan, one at a time, and wants the
// explanation to change: nothing that a plan says may go untold.
func TestEveryFieldIsTold(t *testing.T) {
	untold := map[string]bool{
		"Version": true, "Mounts.Mode": true, "Mounts.Content": true, "Mounts.Follow": true, "Mounts.UID": true, "Mounts.GID": true, // no news
		"Hooks.Timeout": true, "Process.Argv": true,
		"IDs.UIDs.Inside": true, "IDs.UIDs.Outside": true, "IDs.UIDs.Count": true, // told as a whole
		"IDs.GIDs.Inside": true, "IDs.GIDs.Outside": true, "IDs.GIDs.Count": true,
		"Process.Seccomp.Programs": true, "Process.Seccomp.Late": true,
	}
	var walk func(path string, typ reflect.Type, set func(*setup.Plan) reflect.Value)
	walk = func(path string, typ reflect.Type, at func(*setup.Plan) reflect.Value) {
		for i := range typ.NumField() {
			field := typ.Field(i)
			name := strings.TrimPrefix(path+"."+field.Name, ".")
			if untold[name] || field.Tag.Get("json") == "-" || !field.IsExported() {
				continue
			}
			get := func(p *setup.Plan) reflect.Value { return at(p).Field(i) }
			elem := field.Type
			for elem.Kind() == reflect.Slice || elem.Kind() == reflect.Pointer {
				elem = elem.Elem()
			}
			if elem.Kind() == reflect.Struct {
				walk(name, elem, func(p *setup.Plan) reflect.Value {
					v := get(p)
					switch v.Kind() {
					case reflect.Slice:
						if v.Len() == 0 {
							v.Set(reflect.MakeSlice(v.Type(), 1, 1))
						}
						return v.Index(0)
					case reflect.Pointer:
						v.Set(reflect.New(v.Type().Elem()))
						return v.Elem()
					}
					return v
				})
				continue
			}
			if !shows(get) {
				t.Errorf("%s is not told: give it a sentence, or take it out of told", name)
			}
		}
	}
	walk("", reflect.TypeFor[setup.Plan](), func(p *setup.Plan) reflect.Value { return reflect.ValueOf(p).Elem() })
}

// shows reports whether a field changes what is told in one of a few plans.
func shows(get func(*setup.Plan) reflect.Value) bool {
	for _, base := range []func(*setup.Plan){
		func(p *setup.Plan) { p.Mounts[0].Type = setup.Bind },
		func(p *setup.Plan) { p.Mounts[0].Type = setup.Tmpfs },
		func(p *setup.Plan) { p.Share = []setup.Namespace{setup.NetNS} },
		func(p *setup.Plan) { p.Root.Source, p.Process.Seccomp.Off = "/r", true },
		func(p *setup.Plan) { p.Root.Source, p.Root.Overlay = "/r", true },
	} {
		for _, word := range []string{"word", string(setup.NetNS)} {
			before, after := setup.NewPlan(), setup.NewPlan()
			for _, p := range []*setup.Plan{before, after} {
				p.Mounts = []setup.Mount{{Source: "/s", Target: "/t"}}
				base(p)
			}
			get(before)
			fill(get(after), word)
			if !reflect.DeepEqual(Of(before, true), Of(after, true)) {
				return true
			}
		}
	}
	return false
}

func fill(v reflect.Value, word string) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		v.SetString(word)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), word)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), word)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(7)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(7)
	case reflect.Float64:
		v.SetFloat(7)
	}
}
