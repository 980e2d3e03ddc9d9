package tests

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Whoever comes as the last note of what is kept goes, goes on.
func TestKeepBesideSweeps(t *testing.T) {
	y := newYard(t)
	dir := t.TempDir()
	var all sync.WaitGroup
	repeat := func(times int, args ...string) {
		all.Go(func() {
			for range times {
				if out, err := y.cmd(args...).CombinedOutput(); err != nil || strings.Contains(string(out), ".kept") {
					t.Errorf("%v: %v: %s", args, err, out)
				}
			}
		})
	}
	for worker := range 3 {
		repeat(20, "run", "--rw", dir, "--keep", dir+"/kept"+strconv.Itoa(worker), "--", "true")
		repeat(60, "ls")
	}
	all.Wait()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Error("left: ", left, err)
	}
}
