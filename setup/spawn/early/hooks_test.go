package early

import (
	"strings"
	"testing"

	"github.com/jailspawn/jailspawn/setup/nft/table"
)

func TestWantedHooks(t *testing.T) {
	for words, want := range map[string]table.Family{
		"run -- true":                               0,
		"run --net none -- true":                    0,
		"run --net":                                 0,
		"run --net bridge=br0 -- true":              0,
		"run --net veth -- true":                    table.IPv4,
		"run --net=veth --ip 10.0.0.2/24 -- true":   table.IPv4,
		"run --net veth --ip fd00::2/64 -- true":    table.Both,
		"run --net veth --ip=fd00::2/64 -- true":    table.Both,
		"run --ip fd00::2/64 --net veth -- true":    table.IPv4,
		"run -- true --net veth":                    0,
		"run --net veth -- true --ip fd00::2/64":    table.IPv4,
		"run --net none --env A=fd00:: --net=veth6": 0,
	} {
		if got := wantedHooks(strings.Fields(words)); got != want {
			t.Errorf("%s: %d, want %d", words, got, want)
		}
	}
}
