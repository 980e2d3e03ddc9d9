package setup

import (
	"bytes"
	"testing"
)

// TestPreface: what comes before a plan is taken off when it is whole, and a
// plan alone stays as it is.
func TestPreface(t *testing.T) {
	plan, err := Encode(NewPlan())
	if err != nil {
		t.Fatal(err)
	}
	if rules, rest := CutPreface(plan); rules != nil || !bytes.Equal(rest, plan) {
		t.Errorf("a plan without a preface lost %d bytes", len(plan)-len(rest))
	}
	data := append(Preface([]byte("rules")), plan...)
	for n := range data {
		rules, rest := CutPreface(data[:n])
		if whole := n >= len(data)-len(plan); whole != (string(rules) == "rules") || !whole && len(rest) != n {
			t.Fatalf("of %d bytes %d are rules and %d are left", n, len(rules), len(rest))
		}
	}
	if _, rest := CutPreface(data); !bytes.Equal(rest, plan) {
		t.Error("the plan behind a preface has changed")
	}
}
