package spawn

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jailspawn/jailspawn/setup"
)

func TestSubordinate(t *testing.T) {
	const file = "other:1:9\ndev:100000:65536\n1001:300000:10\ndev:x:5\ndev:5\n#dev:7:7\ndev:9:0\ndev:4294967295:2\n\n"
	want := []setup.IDMap{{Outside: 100000, Count: 65536}, {Outside: 300000, Count: 10}}
	if diff := cmp.Diff(want, subordinate(file, "dev", "1001")); diff != "" {
		t.Error(diff)
	}
	if got := subordinate(file, "nobody", "65534"); got != nil {
		t.Error(got)
	}
}

func TestAround(t *testing.T) {
	ranges := []setup.IDMap{{Outside: 100, Count: 5}, {Outside: 500, Count: 3}}
	for _, row := range []struct {
		own  uint32
		want []setup.IDMap
	}{
		{0, []setup.IDMap{{Inside: 0, Outside: 7, Count: 1}, {Inside: 1, Outside: 100, Count: 5}, {Inside: 6, Outside: 500, Count: 3}}},
		{2, []setup.IDMap{{Inside: 2, Outside: 7, Count: 1}, {Inside: 0, Outside: 100, Count: 2}, {Inside: 3, Outside: 102, Count: 3}, {Inside: 6, Outside: 500, Count: 3}}},
		{5, []setup.IDMap{{Inside: 5, Outside: 7, Count: 1}, {Inside: 0, Outside: 100, Count: 5}, {Inside: 6, Outside: 500, Count: 3}}},
		{1 << 30, []setup.IDMap{{Inside: 1 << 30, Outside: 7, Count: 1}, {Inside: 0, Outside: 100, Count: 5}, {Inside: 5, Outside: 500, Count: 3}}},
	} {
		got := around(setup.IDMap{Inside: row.own, Outside: 7, Count: 1}, ranges)
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("own id %d:\n%s", row.own, diff)
		}
	}
}
