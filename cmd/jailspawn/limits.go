package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/spawn/cgroup"
)

// limitOptions say how much the jail may use, and for how long.
type limitOptions struct {
	memory, memoryHigh, memorySwap string
	cpus                           float64
	cpuWeight, ioWeight            uint32
	pids                           uint32
	io                             []string
	cgroupParent                   string
	cgroup                         bool
	timeout, cpuTime               string
	usage                          bool
}

func (o *limitOptions) limitFlags(f *pflag.FlagSet) {
	f.StringVar(&o.memory, "memory", "", "")
	f.StringVar(&o.memorySwap, "memory-swap", "", "")
	f.StringVar(&o.memoryHigh, "memory-high", "", "")
	f.Float64Var(&o.cpus, "cpus", 0, "")
	f.Uint32Var(&o.cpuWeight, "cpu-weight", 0, "")
	f.Uint32Var(&o.pids, "pids", 0, "")
	repeated(f, &o.io, "io")
	f.Uint32Var(&o.ioWeight, "io-weight", 0, "")
	f.StringVar(&o.cgroupParent, "cgroup-parent", "", "")
	f.BoolVar(&o.cgroup, "cgroup", false, "")
	f.StringVar(&o.timeout, "timeout", "", "")
	f.StringVar(&o.cpuTime, "cpu-time", "", "")
	f.BoolVar(&o.usage, "usage", false, "")
}

// limits fills in the resources.
func (o *limitOptions) limits(p *setup.Plan) error {
	r := &p.Resources
	r.CPUWeight, r.IOWeight, r.Pids = o.cpuWeight, o.ioWeight, o.pids
	r.CgroupParent, r.Cgroup, r.Usage = o.cgroupParent, o.cgroup, o.usage
	for _, f := range []struct {
		flag, text string
		parse      func(string) (uint64, error)
		to         *uint64
	}{
		{"--memory", o.memory, parseSize, &r.Memory},
		{"--memory-high", o.memoryHigh, parseSize, &r.MemoryHigh},
		{"--timeout", o.timeout, parseMillis, &r.Timeout},
		{"--cpu-time", o.cpuTime, parseMillis, &r.CPUTime},
	} {
		if f.text == "" {
			continue
		}
		var err error
		if *f.to, err = f.parse(f.text); err == nil && *f.to == 0 {
			err = errors.New("nothing is left of it")
		}
		if err != nil {
			return usage(f.flag+": "+err.Error(), "")
		}
	}
	var err error
	if o.memorySwap != "" {
		if r.Swap, err = parseSwap(o.memorySwap); err != nil {
			return usage("--memory-swap: "+err.Error(), "")
		}
	}
	if o.cpus != 0 {
		if !(o.cpus >= 0.01 && o.cpus <= 16384) {
			return usage("--cpus "+strconv.FormatFloat(o.cpus, 'g', -1, 64)+" is out of range", "give from 0.01 processors on")
		}
		r.MilliCPUs = uint32(math.Round(o.cpus * 1000))
	}
	r.IO, err = parseIO(o.io)
	return err
}

// parseSwap reads a size that may be 0 or max.
func parseSwap(s string) (*uint64, error) {
	n := uint64(0)
	switch s {
	case "0":
	case "max":
		n = setup.Infinity
	default:
		var err error
		if n, err = parseSize(s); err != nil {
			return nil, err
		}
	}
	return &n, nil
}

// parseMillis reads a time: seconds, or a number with a unit such as 500ms, 2m
// or 1h30m.
func parseMillis(s string) (uint64, error) {
	d, err := time.ParseDuration(s)
	if err != nil {
		d, err = time.ParseDuration(s + "s")
	}
	if err != nil || d < 0 {
		return 0, errors.New(strconv.Quote(s) + " is not a time such as 1.5, 500ms or 2h")
	}
	return uint64(d.Round(time.Millisecond).Milliseconds()), nil
}

// ioKeys are the limits of --io.
func ioKeys() map[string]func(l *setup.IOLimit) *uint64 {
	return map[string]func(l *setup.IOLimit) *uint64{
		"rbps":  func(l *setup.IOLimit) *uint64 { return &l.ReadBytes },
		"wbps":  func(l *setup.IOLimit) *uint64 { return &l.WriteBytes },
		"riops": func(l *setup.IOLimit) *uint64 { return &l.ReadOps },
		"wiops": func(l *setup.IOLimit) *uint64 { return &l.WriteOps },
	}
}

// parseIO reads DEVICE,rbps=N,wbps=N,riops=N,wiops=N for each device, which is
// a block device or MAJOR:MINOR.
func parseIO(list []string) ([]setup.IOLimit, error) {
	var limits []setup.IOLimit
	for _, s := range list {
		words := strings.Split(s, ",")
		var l setup.IOLimit
		if err := parseDevice(words[0], &l); err != nil {
			return nil, err
		}
		for _, word := range words[1:] {
			key, value, _ := strings.Cut(word, "=")
			field, ok := ioKeys()[key]
			if !ok {
				return nil, usage("--io: unknown limit "+strconv.Quote(key), "known are rbps, wbps, riops and wiops")
			}
			n, err := parseSize(value)
			if err != nil {
				return nil, usage("--io "+key+": "+err.Error(), "")
			}
			*field(&l) = n
		}
		limits = append(limits, l)
	}
	return limits, nil
}

func parseDevice(s string, l *setup.IOLimit) error {
	var st unix.Stat_t
	if err := unix.Stat(s, &st); err == nil && st.Mode&unix.S_IFMT == unix.S_IFBLK {
		l.Major, l.Minor = unix.Major(st.Rdev), unix.Minor(st.Rdev)
		return nil
	}
	major, minor, _ := strings.Cut(s, ":")
	a, errA := strconv.ParseUint(major, 10, 32)
	b, errB := strconv.ParseUint(minor, 10, 32)
	if errA != nil || errB != nil {
		return usage("--io: "+strconv.Quote(s)+" is no block device", "name it as /dev/sda or 8:0; lsblk lists them")
	}
	l.Major, l.Minor = uint32(a), uint32(b)
	return nil
}

// tellUsage prints what a jail used, if that was asked for, and always that it ran
// out of memory: its exit status doesn't say so.
func tellUsage(p *setup.Plan, u cgroup.Usage) {
	if u.OOMKills != nil && *u.OOMKills > 0 && p.Resources.Memory != 0 {
		fmt.Fprintf(os.Stderr, "jailspawn: memory: the jail needed more than its %s: %d of its processes were killed (hint: give more with --memory)\n", size(p.Resources.Memory), *u.OOMKills)
	}
	if !p.Resources.Usage {
		return
	}
	fmt.Fprintf(
		os.Stderr, "jailspawn: usage: wall=%.3fs user=%.3fs system=%.3fs largest_process=%s memory_peak=%s pids_peak=%s io_read=%s io_written=%s oom_kills=%s\n",
		u.Wall.Seconds(), u.User.Seconds(), u.System.Seconds(), size(u.LargestProcess), known(u.MemoryPeak, size),
		known(u.PidsPeak, count), known(u.IORead, size), known(u.IOWritten, size), known(u.OOMKills, count),
	)
}

// known shows a number that may be unknown.
func known(n *uint64, show func(uint64) string) string {
	if n == nil {
		return "unknown"
	}
	return show(*n)
}

func count(n uint64) string { return strconv.FormatUint(n, 10) }
