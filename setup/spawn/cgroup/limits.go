package cgroup

import (
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// period is that of the quota of processor time, in microseconds.
const period = 100000

// A knob is one file of a cgroup that is to be written.
type knob struct {
	controller string
	file       string
	value      string
	hint       string // where the kernel may lack the file
	spare      bool   // a kernel without the file needs none
}

// controllers lists what the limits need, each once.
func controllers(r *setup.Resources) []string {
	var list []string
	for _, c := range []struct {
		name   string
		needed bool
	}{
		{"memory", r.Memory|r.MemoryHigh != 0 || r.Swap != nil},
		{"cpu", r.MilliCPUs|r.CPUWeight != 0},
		{"pids", r.Pids != 0},
		{"io", len(r.IO) > 0 || r.IOWeight != 0},
	} {
		if c.needed {
			list = append(list, c.name)
		}
	}
	return list
}

// knobs2 is what version 2 is told (Documentation/admin-guide/cgroup-v2.rst).
func knobs2(r *setup.Resources) []knob {
	var k []knob
	if r.Memory != 0 {
		k = append(k, knob{controller: "memory", file: "memory.max", value: number(r.Memory)})
	}
	if r.MemoryHigh != 0 {
		k = append(k, knob{controller: "memory", file: "memory.high", value: number(r.MemoryHigh)})
	}
	const noSwap = "this kernel doesn't count swap; leave out --memory-swap"
	switch {
	case r.Swap != nil:
		k = append(k, knob{controller: "memory", file: "memory.swap.max", value: number(*r.Swap), hint: noSwap})
	case r.Memory != 0:
		k = append(k, knob{controller: "memory", file: "memory.swap.max", value: "0", spare: true})
	}
	if r.MilliCPUs != 0 {
		k = append(k, knob{controller: "cpu", file: "cpu.max", value: number(uint64(r.MilliCPUs)*period/1000) + " " + number(period)})
	}
	if r.CPUWeight != 0 {
		k = append(k, knob{controller: "cpu", file: "cpu.weight", value: number(uint64(r.CPUWeight))})
	}
	if r.Pids != 0 {
		k = append(k, knob{controller: "pids", file: "pids.max", value: number(uint64(r.Pids))})
	}
	for _, l := range r.IO {
		value := device(l)
		for _, f := range []struct {
			name string
			n    uint64
		}{{"rbps", l.ReadBytes}, {"wbps", l.WriteBytes}, {"riops", l.ReadOps}, {"wiops", l.WriteOps}} {
			if f.n != 0 {
				value += " " + f.name + "=" + number(f.n)
			}
		}
		k = append(k, knob{controller: "io", file: "io.max", value: value, hint: "this kernel limits no devices (CONFIG_BLK_DEV_THROTTLING)"})
	}
	if r.IOWeight != 0 {
		k = append(k, knob{controller: "io", file: "io.weight", value: "default " + number(uint64(r.IOWeight)), hint: "this kernel has no cost model for devices (CONFIG_BLK_CGROUP_IOCOST)"})
	}
	return k
}

// knobs1 is what version 1 is told (Documentation/admin-guide/cgroup-v1).
func knobs1(r *setup.Resources) []knob {
	var k []knob
	if r.Memory != 0 {
		k = append(k, knob{controller: "memory", file: "memory.limit_in_bytes", value: number(r.Memory)})
	}
	if r.MemoryHigh != 0 {
		k = append(k, knob{controller: "memory", file: "memory.high", hint: "needs cgroup version 2; leave out --memory-high"})
	}
	switch {
	case r.Swap != nil && *r.Swap != setup.Infinity:
		k = append(k, knob{
			controller: "memory", file: "memory.memsw.limit_in_bytes", value: number(r.Memory + *r.Swap),
			hint: "this kernel doesn't count swap; leave out --memory-swap",
		})
	case r.Swap == nil && r.Memory != 0:
		k = append(k, knob{controller: "memory", file: "memory.memsw.limit_in_bytes", value: number(r.Memory), spare: true})
	}
	if r.MilliCPUs != 0 {
		k = append(
			k,
			knob{controller: "cpu", file: "cpu.cfs_period_us", value: number(period)},
			knob{controller: "cpu", file: "cpu.cfs_quota_us", value: number(uint64(r.MilliCPUs) * period / 1000)},
		)
	}
	if r.CPUWeight != 0 {
		// The defaults of the two versions are 1,024 and 100.
		k = append(k, knob{controller: "cpu", file: "cpu.shares", value: number(max(2, uint64(r.CPUWeight)*1024/100))})
	}
	if r.Pids != 0 {
		k = append(k, knob{controller: "pids", file: "pids.max", value: number(uint64(r.Pids))})
	}
	for _, l := range r.IO {
		for _, f := range []struct {
			file string
			n    uint64
		}{
			{"read_bps_device", l.ReadBytes},
			{"write_bps_device", l.WriteBytes},
			{"read_iops_device", l.ReadOps},
			{"write_iops_device", l.WriteOps},
		} {
			if f.n != 0 {
				k = append(k, knob{
					controller: "io", file: "blkio.throttle." + f.file, value: device(l) + " " + number(f.n),
					hint: "this kernel limits no devices (CONFIG_BLK_DEV_THROTTLING)",
				})
			}
		}
	}
	if r.IOWeight != 0 {
		k = append(k, knob{controller: "io", file: "blkio.weight", hint: "needs cgroup version 2; leave out --io-weight"})
	}
	return k
}

// name1 is what version 1 calls a controller.
func name1(controller string) string {
	if controller == "io" {
		return "blkio"
	}
	return controller
}

func number(n uint64) string {
	if n == setup.Infinity {
		return "max"
	}
	return strconv.FormatUint(n, 10)
}

func device(l setup.IOLimit) string {
	return strconv.FormatUint(uint64(l.Major), 10) + ":" + strconv.FormatUint(uint64(l.Minor), 10)
}

// set writes the knobs of those controllers that a directory has.
func (d *dir) set(knobs []knob, has func(controller string) bool) error {
	for _, k := range knobs {
		if !has(k.controller) {
			continue
		}
		file := d.path + "/" + k.file
		err := unix.ENOENT
		if k.value != "" {
			err = errnoOf(write(file, k.value))
		}
		if err == 0 || (err == unix.ENOENT && k.spare) {
			continue
		}
		e := &setup.Error{Step: "cgroup", Target: file, Detail: k.value, Errno: err}
		switch err {
		case unix.ENOENT:
			e.Hint = k.hint
		case unix.ENODEV:
			e.Hint = "there is no such block device; a partition is limited by its whole device"
		}
		return e
	}
	return nil
}

func errnoOf(err error) unix.Errno {
	if err == nil {
		return 0
	}
	errno, ok := err.(unix.Errno)
	if !ok {
		return unix.EIO
	}
	return errno
}
