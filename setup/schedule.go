package setup

// Schedule says how the kernel shares out its processors, its disks and its
// memory to the payload. The zero value leaves all as the caller has it.
//
// What takes more than the caller has (a lower nice value, the real-time
// classes, a lower OOM score) needs CAP_SYS_NICE or CAP_SYS_RESOURCE on the
// host; a user namespace doesn't give it.
type Schedule struct {
	// Policy is one of [SchedPolicies] (sched(7)); Priority is 1 to 99 for fifo
	// and rr, else 0.
	Policy   string `json:"policy,omitempty"`
	Priority int    `json:"priority,omitempty"`

	// Nice is -20 to 19, lower is more (setpriority(2)).
	Nice *int `json:"nice,omitempty"`

	// IOClass is one of [IOClasses] (ioprio_set(2)); IOLevel is 0 to 7, lower is
	// more, for the real-time and the best-effort class.
	IOClass string `json:"io_class,omitempty"`
	IOLevel int    `json:"io_level,omitempty"`

	// CPUs are the numbers of the processors that the payload may run on
	// (sched_setaffinity(2)).
	CPUs []int `json:"cpus,omitempty"`

	// OOMScoreAdj is -1000 (never) to 1000 (first) when the kernel runs out of
	// memory (proc_pid_oom_score_adj(5)). A lower one than
	// the caller's counts for jailinit as well.
	OOMScoreAdj *int `json:"oom_score_adj,omitempty"`
}

// SchedPolicies are the scheduling policies at the kernel's numbers. Empty
// entries are those that no jail can have.
var SchedPolicies = []string{"other", "fifo", "rr", "batch", "", "idle"}

// IOClasses are the classes of input and output at the kernel's numbers.
var IOClasses = []string{"none", "realtime", "best-effort", "idle"}

// RealTime reports whether a policy needs a priority.
func RealTime(policy string) bool { return policy == "fifo" || policy == "rr" }

func (s *Schedule) code(c *coder) {
	str(c, &s.Policy)
	num(c, &s.Priority)
	optional(c, &s.Nice, num[int])
	str(c, &s.IOClass)
	num(c, &s.IOLevel)
	list(c, &s.CPUs, num[int])
	optional(c, &s.OOMScoreAdj, num[int])
}
