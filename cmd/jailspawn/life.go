package main

import (
	"math"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/jailspawn/jailspawn/setup"
)

// lifeOptions say how signals reach the payload and how the jail ends.
type lifeOptions struct {
	signalGroup bool
	signalMap   []string
	okStatus    []int
	grace       time.Duration
	waitAll     bool
}

func (o *lifeOptions) lifeFlags(f *pflag.FlagSet) {
	f.BoolVar(&o.signalGroup, "signal-group", false, "")
	commaSeparated(f, &o.signalMap, "signal-map")
	f.IntSliceVar(&o.okStatus, "ok-status", nil, "")
	f.DurationVar(&o.grace, "grace", 5*time.Second, "")
	f.BoolVar(&o.waitAll, "wait-all", false, "")
}

func (o *lifeOptions) life(p *setup.Plan) error {
	if o.grace < 0 || o.grace.Milliseconds() > math.MaxUint32 {
		return usage("--grace "+o.grace.String()+" is out of range", "0s kills at once; the longest is 1193h")
	}
	p.Life = setup.Life{
		SignalGroup: o.signalGroup,
		OKStatus:    o.okStatus,
		Grace:       uint32(o.grace.Milliseconds()),
		WaitAll:     o.waitAll,
	}
	for _, rule := range o.signalMap {
		from, to, found := strings.Cut(rule, ":")
		old, known := signalNumber(from)
		replacement, ok := signalNumber(to)
		if to == "none" {
			replacement, ok = 0, true
		}
		if !found || !known || !ok {
			return usage("--signal-map "+rule+": want FROM:TO", "signals are names or numbers, as in TERM:INT; to none drops FROM")
		}
		p.Life.SignalMap = append(p.Life.SignalMap, setup.SignalRewrite{From: int(old), To: int(replacement)})
	}
	return nil
}
