package main

import (
	"errors"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/spawn"
)

// scheduleOptions say how much the payload gets from the kernel.
type scheduleOptions struct {
	rlimits  []string
	nice     optionalInt
	oomScore optionalInt
	ionice   string
	sched    string
	cpus     string
}

func (o *scheduleOptions) scheduleFlags(f *pflag.FlagSet) {
	repeated(f, &o.rlimits, "rlimit")
	f.Var(&o.nice, "nice", "")
	f.StringVar(&o.ionice, "ionice", "", "")
	f.StringVar(&o.cpus, "cpu-affinity", "", "")
	f.Var(&o.oomScore, "oom-score-adj", "")
	f.StringVar(&o.sched, "sched", "", "")
}

// schedule fills in limits and the payload's place among others.
func (o *scheduleOptions) schedule(p *setup.Plan) error {
	var given []setup.Rlimit
	for _, s := range o.rlimits {
		r, err := parseRlimit(s)
		if err != nil {
			return usage("--rlimit "+s+": "+err.Error(), "--rlimit nofile=1024, nofile=1024:4096, core=unlimited, as=512M")
		}
		for _, g := range given {
			if g.Resource == r.Resource {
				return usage("--rlimit "+s+": "+r.Resource+" is given twice", "SOFT:HARD sets both")
			}
		}
		given = append(given, r)
	}
	var err error
	if p.Process.Rlimits, err = spawn.Rlimits(given); err != nil {
		return err
	}
	s := &p.Process.Schedule
	s.Nice, s.OOMScoreAdj = o.nice.value, o.oomScore.value
	if s.CPUs, err = parseCPUs(o.cpus); err != nil {
		return usage("--cpu-affinity "+o.cpus+": "+err.Error(), "--cpu-affinity 0-3,6")
	}
	if s.Policy, s.Priority, err = nameAndNumber(o.sched); err != nil {
		return usage("--sched "+o.sched+": "+err.Error(), "--sched batch, idle, other, fifo:10 or rr:10")
	}
	if s.IOClass, s.IOLevel, err = nameAndNumber(o.ionice); err != nil {
		return usage("--ionice "+o.ionice+": "+err.Error(), "--ionice idle, best-effort:7 or realtime:0")
	}
	if s.IOClass == "best-effort" && !strings.Contains(o.ionice, ":") {
		s.IOLevel = 4 // the kernel's middle
	}
	return nil
}

// parseRlimit reads NAME=SOFT[:HARD]; one value is both.
func parseRlimit(s string) (r setup.Rlimit, err error) {
	name, value, found := strings.Cut(s, "=")
	if !found {
		return r, errors.New("want NAME=SOFT or NAME=SOFT:HARD")
	}
	r.Resource = strings.TrimPrefix(strings.ToLower(name), "rlimit_")
	if setup.RlimitNumber(r.Resource) < 0 {
		if near := setup.Nearest(r.Resource, setup.RlimitNames()); near != "" {
			return r, errors.New("unknown resource, did you mean " + near + "?")
		}
		return r, errors.New("unknown resource, known are " + strings.Join(setup.RlimitNames(), " "))
	}
	soft, hard, both := strings.Cut(value, ":")
	if r.Soft, err = parseLimit(soft); err != nil {
		return r, err
	}
	r.Hard = r.Soft
	if both {
		r.Hard, err = parseLimit(hard)
	}
	return r, err
}

// parseLimit reads a number, with K, M, G or T for powers of 1,024.
func parseLimit(s string) (uint64, error) {
	if s == "unlimited" || s == "infinity" {
		return setup.Infinity, nil
	}
	if s == "0" {
		return 0, nil
	}
	n, err := parseSize(s)
	if err != nil {
		return 0, errors.New(strconv.Quote(s) + " is not a number such as 1024 or 64M, or unlimited")
	}
	return n, nil
}

// parseCPUs reads a list such as 0-3,6.
func parseCPUs(s string) (cpus []int, err error) {
	if s == "" {
		return nil, nil
	}
	for _, part := range strings.Split(s, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		a, err := strconv.ParseUint(first, 10, 16)
		b, err2 := strconv.ParseUint(last, 10, 16)
		if err != nil || err2 != nil || b < a || b > 1023 {
			return nil, errors.New(strconv.Quote(part) + " is neither a processor nor a range of them")
		}
		for n := a; n <= b; n++ {
			cpus = append(cpus, int(n))
		}
	}
	return cpus, nil
}

// nameAndNumber reads NAME or NAME:NUMBER.
func nameAndNumber(s string) (string, int, error) {
	name, number, found := strings.Cut(s, ":")
	if !found {
		return name, 0, nil
	}
	n, err := strconv.Atoi(number)
	if err != nil {
		return "", 0, errors.New(strconv.Quote(number) + " is not a number")
	}
	return name, n, nil
}

// optionalInt is a flag that may be left out, as all its values mean something.
type optionalInt struct{ value *int }

func (o *optionalInt) String() string { return "" }
func (o *optionalInt) Type() string   { return "int" }

func (o *optionalInt) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil {
		return errors.New("not a number")
	}
	o.value = &n
	return nil
}
