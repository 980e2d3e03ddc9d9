// Package schedule gives the calling thread its place among others: scheduling
// policy, nice value, class of input and output, processors. Children inherit
// it. jailinit does it for the payload, on the thread that starts it; what
// needs the host's privilege is done by jailspawn, on the thread that clones.
//
// All calls concern the calling thread alone; the caller has locked it.
package schedule

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// Apply carries out s, but for the OOM score, which is a process's. What the
// thread has already is not set again, so it needs no privilege.
func Apply(s *setup.Schedule) error {
	if s.Policy != "" {
		if err := setPolicy(index(setup.SchedPolicies, s.Policy), s.Priority); err != nil {
			return fail("policy", s.Policy, err)
		}
	}
	if s.Nice != nil {
		if err := setNice(*s.Nice); err != nil {
			return fail("nice", "", err)
		}
	}
	if s.IOClass != "" {
		if err := setIO(index(setup.IOClasses, s.IOClass), s.IOLevel); err != nil {
			return fail("io class", s.IOClass, err)
		}
	}
	if len(s.CPUs) > 0 {
		return fail("cpus", "", setCPUs(s.CPUs))
	}
	return nil
}

// Privileged returns the part of s that takes more than an ordinary process may
// take, given what this thread has.
func Privileged(s *setup.Schedule) setup.Schedule {
	var p setup.Schedule
	if setup.RealTime(s.Policy) {
		p.Policy, p.Priority = s.Policy, s.Priority
	}
	if s.Nice != nil {
		if now, err := nice(); err == nil && *s.Nice < now {
			p.Nice = s.Nice
		}
	}
	if s.IOClass == "realtime" {
		p.IOClass, p.IOLevel = s.IOClass, s.IOLevel
	}
	return p
}

// Now returns what the thread has, as far as [Privileged] may change it.
func Now() (setup.Schedule, error) {
	var s setup.Schedule
	n, err := nice()
	if err != nil {
		return s, fail("nice", "", err)
	}
	policy, priority, err := policy()
	if err != nil {
		return s, fail("policy", "", err)
	}
	class, level, err := io()
	if err != nil {
		return s, fail("io class", "", err)
	}
	s.Nice = &n
	s.Policy, s.Priority = name(setup.SchedPolicies, policy), priority
	s.IOClass, s.IOLevel = name(setup.IOClasses, class), level
	return s, nil
}

func fail(target, detail string, err error) error {
	if err == nil {
		return nil
	}
	e := setup.Fail("schedule", target, err).(*setup.Error)
	if e.Detail == "" {
		e.Detail = detail
	}
	switch e.Errno {
	case unix.EPERM, unix.EACCES:
		e.Hint = "more than the caller has needs CAP_SYS_NICE on the host"
	case unix.EINVAL:
		if target == "cpus" {
			e.Hint = "none of them is a processor that the caller may use: see nproc and taskset -p"
		}
	}
	return e
}

func index(names []string, name string) int {
	for i, n := range names {
		if n == name {
			return i
		}
	}
	return -1
}

func name(names []string, i int) string {
	if i < 0 || i >= len(names) {
		return ""
	}
	return names[i]
}

// nice returns the thread's value; the system call gives 20 minus it.
func nice() (int, error) {
	n, _, errno := unix.RawSyscall(unix.SYS_GETPRIORITY, unix.PRIO_PROCESS, 0, 0)
	return 20 - int(n), orNil(errno)
}

func setNice(n int) error {
	if now, err := nice(); err == nil && now == n {
		return nil
	}
	_, _, errno := unix.RawSyscall(unix.SYS_SETPRIORITY, unix.PRIO_PROCESS, 0, uintptr(n))
	return orNil(errno)
}

// resetOnFork is SCHED_RESET_ON_FORK, which a child has no use for.
const resetOnFork = 0x40000000

func policy() (policy, priority int, err error) {
	p, _, errno := unix.RawSyscall(unix.SYS_SCHED_GETSCHEDULER, 0, 0, 0)
	if errno != 0 {
		return 0, 0, errno
	}
	var param int32
	_, _, errno = unix.RawSyscall(unix.SYS_SCHED_GETPARAM, 0, uintptr(unsafe.Pointer(&param)), 0)
	return int(p) &^ resetOnFork, int(param), orNil(errno)
}

func setPolicy(to, priority int) error {
	if now, at, err := policy(); err == nil && now == to && at == priority {
		return nil
	}
	param := int32(priority)
	_, _, errno := unix.RawSyscall(unix.SYS_SCHED_SETSCHEDULER, 0, uintptr(to), uintptr(unsafe.Pointer(&param)))
	return orNil(errno)
}

// ioprio_set(2): who is a process or thread, and the class stands above the
// level.
const (
	ioprioProcess = 1
	ioprioShift   = 13
)

func io() (class, level int, err error) {
	n, _, errno := unix.RawSyscall(unix.SYS_IOPRIO_GET, ioprioProcess, 0, 0)
	return int(n) >> ioprioShift, int(n) & (1<<ioprioShift - 1), orNil(errno)
}

func setIO(class, level int) error {
	if now, at, err := io(); err == nil && now == class && at == level {
		return nil
	}
	_, _, errno := unix.RawSyscall(unix.SYS_IOPRIO_SET, ioprioProcess, 0, uintptr(class<<ioprioShift|level))
	return orNil(errno)
}

// setCPUs wants every processor of the list: the kernel would pass over those
// that the caller may not use.
func setCPUs(cpus []int) error {
	var set, got unix.CPUSet
	for _, n := range cpus {
		set.Set(n)
	}
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return err
	}
	if err := unix.SchedGetaffinity(0, &got); err != nil {
		return err
	}
	if got != set {
		return &setup.Error{Step: "schedule", Target: "cpus", Detail: "the kernel leaves out some of them", Hint: "name processors that exist and that the caller may use: see nproc and taskset -p"}
	}
	return nil
}

func orNil(errno unix.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}
