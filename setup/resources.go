package setup

// Resources limits what the jail as a whole may use. The first fields need a
// cgroup (cgroups(7)), which jailspawn makes for the jail and removes after it:
// by version 2 where the caller may, by version 1 for those controllers that
// the host keeps there. A zero field limits nothing.
type Resources struct {
	// Memory is the most memory in bytes, the page cache and the kernel's own
	// for the jail included; process 1 of the jail weighs about 1 MiB of it. A
	// jail that needs more has a process killed.
	Memory uint64 `json:"memory,omitempty"`
	// MemoryHigh is where the kernel slows the jail down and takes memory back,
	// in bytes; version 2 only.
	MemoryHigh uint64 `json:"memory_high,omitempty"`
	// Swap is the most swap in bytes, beside Memory; [Infinity] for no limit.
	// nil means none if Memory is set, so that its limit is one.
	Swap *uint64 `json:"swap,omitempty"`

	// MilliCPUs is the most processor time, in thousandths of one processor.
	MilliCPUs uint32 `json:"millicpus,omitempty"`
	// CPUWeight is the share of processor time against other cgroups, from 1 to
	// 10,000; the kernel's default is 100.
	CPUWeight uint32 `json:"cpu_weight,omitempty"`

	// Pids is the most processes and threads, the five or so of process 1
	// included.
	Pids uint32 `json:"pids,omitempty"`

	// IO limits what goes to and from single devices.
	IO []IOLimit `json:"io,omitempty"`
	// IOWeight is the share of each device against other cgroups, from 1 to
	// 10,000, where its scheduler knows weights (bfq, or the controller's cost
	// model).
	IOWeight uint32 `json:"io_weight,omitempty"`

	// CgroupParent is a cgroup of version 2, as a path below the root of that
	// hierarchy, in which the jail's is made. Empty: the nearest to the caller's
	// own that can have it.
	CgroupParent string `json:"cgroup_parent,omitempty"`
	// Cgroup gives the jail a cgroup though nothing of the above is limited.
	Cgroup bool `json:"cgroup,omitempty"`
	// Usage asks for a cgroup that counts what the jail uses, as far as the
	// caller may have one.
	Usage bool `json:"usage,omitempty"`

	// Timeout ends the payload after that many milliseconds: SIGTERM, and after
	// Life.Grace SIGKILL for the whole jail.
	Timeout uint64 `json:"timeout_ms,omitempty"`
	// CPUTime ends it in the same way when all its processes together have used
	// that many milliseconds of processor time. It needs a cgroup.
	CPUTime uint64 `json:"cpu_time_ms,omitempty"`
}

// IOLimit limits one block device. Zero is no limit.
type IOLimit struct {
	Major      uint32 `json:"major"`
	Minor      uint32 `json:"minor"`
	ReadBytes  uint64 `json:"read_bytes,omitempty"` // a second
	WriteBytes uint64 `json:"write_bytes,omitempty"`
	ReadOps    uint64 `json:"read_ops,omitempty"`
	WriteOps   uint64 `json:"write_ops,omitempty"`
}

// NeedsCgroup reports whether the jail can't do without a cgroup of its own.
func (r *Resources) NeedsCgroup() bool {
	return r.Memory|r.MemoryHigh|r.CPUTime != 0 || r.Swap != nil || r.MilliCPUs|r.CPUWeight|r.Pids|r.IOWeight != 0 ||
		len(r.IO) > 0 || r.CgroupParent != "" || r.Cgroup
}

// WantsCgroup reports whether the jail gets a cgroup if it can have one.
func (r *Resources) WantsCgroup() bool { return r.Usage || r.NeedsCgroup() }

func (r *Resources) code(c *coder) {
	num(c, &r.Memory)
	num(c, &r.MemoryHigh)
	optional(c, &r.Swap, num[uint64])
	num(c, &r.MilliCPUs)
	num(c, &r.CPUWeight)
	num(c, &r.Pids)
	list(c, &r.IO, codeIOLimit)
	num(c, &r.IOWeight)
	str(c, &r.CgroupParent)
	flag(c, &r.Cgroup)
	flag(c, &r.Usage)
	num(c, &r.Timeout)
	num(c, &r.CPUTime)
}

func codeIOLimit(c *coder, l *IOLimit) {
	num(c, &l.Major)
	num(c, &l.Minor)
	num(c, &l.ReadBytes)
	num(c, &l.WriteBytes)
	num(c, &l.ReadOps)
	num(c, &l.WriteOps)
}
