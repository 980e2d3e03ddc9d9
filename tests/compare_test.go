//go:build compare

package tests

import (
	"fmt"
	"os"
	"testing"
	"text/tabwriter"
)

// otherInits are run as subreapers, so that signals can be sent to them.
var otherInits = []initProgram{
	{name: "tini", argv: []string{"tini", "-s", "--"}, group: []string{"tini", "-s", "-g", "--"}, remap: []string{"tini", "-s", "-e", "143", "--"}, grace: []string{"tini", "-s", "--"}},
	{name: "dumb-init", argv: []string{"dumb-init", "-c", "--"}, group: []string{"dumb-init", "--"}, rewrite: []string{"dumb-init", "-c", "-r", "15:2", "--"}, grace: []string{"dumb-init", "--"}},
	{name: "catatonit", argv: []string{"catatonit", "--"}, group: []string{"catatonit", "-g", "--"}, grace: []string{"catatonit", "--"}},
}

// TestProcess1OfOthers prints how the others do by the rules of process 1, for
// "make compare". Nothing of theirs is a failure.
func TestProcess1OfOthers(t *testing.T) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "rule\tjailspawn")
	for _, p := range otherInits {
		fmt.Fprint(w, "\t", p.name)
	}
	for _, r := range rules {
		fmt.Fprintf(w, "\n%s\t%s", r.name, verdict(r, r.run(t, ourInit(t))))
		for _, p := range otherInits {
			fmt.Fprint(w, "\t", verdict(r, r.run(t, p)))
		}
	}
	fmt.Fprintln(w)
	w.Flush()
}

func verdict(r rule, got string) string {
	switch got {
	case r.want:
		return "ok"
	case "":
		return "(nothing)"
	}
	return got
}
