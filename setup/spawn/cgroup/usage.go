package cgroup

import (
	"os"
	"strconv"
	"strings"
	"time"
)

// Usage is what a jail used. A nil field is not known: no cgroup counted it,
// or the kernel is too old to tell (memory.peak is of Linux 5.19, pids.peak of
// 6.1).
type Usage struct {
	Wall   time.Duration `json:"wall_ns"`
	User   time.Duration `json:"user_ns"`
	System time.Duration `json:"system_ns"`
	// LargestProcess is the largest resident set of one process in bytes.
	LargestProcess uint64 `json:"largest_process_bytes"`

	MemoryPeak *uint64 `json:"memory_peak_bytes,omitempty"`
	PidsPeak   *uint64 `json:"pids_peak,omitempty"`
	IORead     *uint64 `json:"io_read_bytes,omitempty"`
	IOWritten  *uint64 `json:"io_written_bytes,omitempty"`
	// OOMKills is how many processes were killed for want of memory.
	OOMKills *uint64 `json:"oom_kills,omitempty"`
}

// Read fills in what the cgroup has counted. Processes that nobody waited for
// count here and not in rusage, so its times replace those of u.
func (g *Group) Read(u *Usage) {
	if g == nil {
		return
	}
	for _, d := range g.dirs {
		if d.h.v2 {
			d.read2(u)
		} else {
			d.read1(u)
		}
	}
}

func (d *dir) read2(u *Usage) {
	stat := fields(d.path + "/cpu.stat")
	if user, ok := stat["user_usec"]; ok {
		u.User = time.Duration(user) * time.Microsecond
		u.System = time.Duration(stat["system_usec"]) * time.Microsecond
	}
	single(&u.MemoryPeak, d.path+"/memory.peak")
	single(&u.PidsPeak, d.path+"/pids.peak")
	if kills, ok := fields(d.path + "/memory.events")["oom_kill"]; ok {
		u.OOMKills = &kills
	}
	if data, err := os.ReadFile(d.path + "/io.stat"); err == nil {
		u.IORead, u.IOWritten = sum(string(data), "rbytes="), sum(string(data), "wbytes=")
	}
}

func (d *dir) read1(u *Usage) {
	var used *uint64
	if single(&used, d.path+"/cpuacct.usage_user"); used != nil {
		u.User = time.Duration(*used)
	}
	if single(&used, d.path+"/cpuacct.usage_sys"); used != nil {
		u.System = time.Duration(*used)
	}
	single(&u.MemoryPeak, d.path+"/memory.max_usage_in_bytes")
	single(&u.PidsPeak, d.path+"/pids.peak")
	if kills, ok := fields(d.path + "/memory.oom_control")["oom_kill"]; ok {
		u.OOMKills = &kills
	}
	if data, err := os.ReadFile(d.path + "/blkio.throttle.io_service_bytes"); err == nil {
		u.IORead, u.IOWritten = sum(string(data), "Read "), sum(string(data), "Write ")
	}
}

// CPUTime is the processor time that the jail has used, or -1 if nothing counts
// it.
func (g *Group) CPUTime() time.Duration {
	for _, d := range g.dirs {
		if usec, ok := fields(d.path + "/cpu.stat")["usage_usec"]; ok {
			return time.Duration(usec) * time.Microsecond
		}
		var used *uint64
		if single(&used, d.path+"/cpuacct.usage"); used != nil {
			return time.Duration(*used)
		}
	}
	return -1
}

// single reads a file with one number; what can't be read stays as it was.
func single(to **uint64, file string) {
	data, err := os.ReadFile(file)
	if err != nil {
		return
	}
	if n, err := strconv.ParseUint(strings.TrimSpace(string(data)), 10, 64); err == nil {
		*to = &n
	}
}

// fields reads a file of lines NAME NUMBER.
func fields(file string) map[string]uint64 {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	all := map[string]uint64{}
	for line := range strings.Lines(string(data)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if n, err := strconv.ParseUint(value, 10, 64); err == nil {
			all[name] = n
		}
	}
	return all
}

// sum adds the numbers that stand behind key, over all devices.
func sum(text, key string) *uint64 {
	total := new(uint64)
	for {
		_, rest, found := strings.Cut(text, key)
		if !found {
			return total
		}
		end := strings.IndexAny(rest, " \n")
		if end < 0 {
			end = len(rest)
		}
		if n, err := strconv.ParseUint(rest[:end], 10, 64); err == nil {
			*total += n
		}
		text = rest
	}
}
