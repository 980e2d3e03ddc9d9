package planfile

import (
	"bytes"
	"testing"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/check"
)

func FuzzRead(f *testing.F) {
	var good bytes.Buffer
	if err := Write(&good, setup.NewPlan()); err != nil {
		f.Fatal(err)
	}
	f.Add(good.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Read(bytes.NewReader(data))
		if err != nil {
			return
		}
		_ = check.Plan(p)
		if err := Write(new(bytes.Buffer), p); err != nil {
			t.Error(err)
		}
	})
}
