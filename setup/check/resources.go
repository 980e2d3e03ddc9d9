package check

import (
	"strconv"

	"github.com/jailspawn/jailspawn/setup"
)

const (
	// minMemory is what process 1 and the smallest payload need.
	minMemory = 2 << 20
	// minPids leaves some to the payload beside the threads of process 1.
	minPids = 8
	// minMilliCPUs is the shortest quota of the kernel, 1 ms of every 100.
	minMilliCPUs = 10
	maxMilliCPUs = 1 << 24
	maxWeight    = 10000
	// maxMillis bounds times to what a time.Duration holds.
	maxMillis = 1 << 42
)

func (c *checker) resources(p *setup.Plan) {
	r := &p.Resources
	if r.Memory != 0 && r.Memory < minMemory {
		c.add("resources.memory", strconv.FormatUint(r.Memory, 10)+" bytes are too few for any jail", "give 2M or more")
	}
	if r.Memory != 0 && r.MemoryHigh > r.Memory {
		c.add("resources.memory_high", "lies above the memory limit, which would come first", "give less than memory")
	}
	if r.Swap != nil && r.Memory == 0 {
		c.add("resources.swap", "counts beside the memory limit, and there is none", "give memory as well")
	}
	if r.Pids != 0 && r.Pids < minPids {
		c.add("resources.pids", strconv.FormatUint(uint64(r.Pids), 10)+" are too few: process 1 of the jail has five or so threads", "give "+strconv.Itoa(minPids)+" or more")
	}
	if r.MilliCPUs != 0 && (r.MilliCPUs < minMilliCPUs || r.MilliCPUs > maxMilliCPUs) {
		c.add("resources.millicpus", strconv.FormatUint(uint64(r.MilliCPUs), 10)+" is out of range", "give from 10 thousandths, 0.01 processors, on")
	}
	for _, w := range []struct {
		field string
		value uint32
	}{{"resources.cpu_weight", r.CPUWeight}, {"resources.io_weight", r.IOWeight}} {
		if w.value > maxWeight {
			c.add(w.field, strconv.FormatUint(uint64(w.value), 10)+" is out of range", "weights go from 1 to 10000")
		}
	}
	for i, l := range r.IO {
		if l.ReadBytes|l.WriteBytes|l.ReadOps|l.WriteOps == 0 {
			c.add("resources.io["+strconv.Itoa(i)+"]", "limits nothing", "give at least one of its four limits")
		}
	}
	if r.CgroupParent != "" {
		c.absPath("resources.cgroup_parent", r.CgroupParent)
	}
	for _, t := range []struct {
		field string
		value uint64
	}{{"resources.timeout", r.Timeout}, {"resources.cpu_time", r.CPUTime}} {
		if t.value > maxMillis {
			c.add(t.field, "is longer than a hundred years", "leave it out for no limit")
		}
	}
}
