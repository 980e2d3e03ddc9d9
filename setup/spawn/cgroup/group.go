package cgroup

import (
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hashicorp/go-multierror"

	"github.com/jailspawn/jailspawn/setup"
)

// A Group is the cgroup of one jail: a directory in each hierarchy that it
// needs, the one of version 2 first if there is one.
type Group struct {
	dirs []*dir
}

// New makes the cgroup that r asks for, with its limits. It is nil where r
// needs none and the caller can't have one.
//
// Cgroups that killed jailspawns left in the same place are removed first.
func New(r *setup.Resources) (*Group, error) {
	h, err := find()
	if err != nil {
		return nil, err
	}
	need := controllers(r)
	in := map[string]*hierarchy{} // by the names of version 2
	for _, c := range need {
		if in[c] = h.of(c); in[c] == nil {
			in[c] = h.of(name1(c))
		}
		if in[c] == nil {
			return nil, &setup.Error{Step: "cgroup", Detail: "this system has no " + c + " controller", Hint: "leave its limits out, or mount it (cgroups(7))"}
		}
	}
	g := new(Group)
	if err = g.make2(h, r, in); err == nil {
		err = g.make1(h, r, in)
	}
	if err == nil && r.NeedsCgroup() && len(g.dirs) == 0 {
		err = &setup.Error{Step: "cgroup", Detail: "this system has no cgroup file system", Hint: "mount it at /sys/fs/cgroup (cgroups(7))"}
	}
	if err == nil && r.CPUTime != 0 && g.CPUTime() < 0 {
		err = &setup.Error{Step: "cgroup", Detail: "nothing counts the jail's processor time here", Hint: "use --rlimit cpu=, which counts for each process"}
	}
	if err != nil {
		_ = g.Remove()
		return nil, err
	}
	if len(g.dirs) == 0 {
		return nil, nil
	}
	return g, nil
}

// make2 makes the directory of version 2. It is there to end and freeze the
// jail as well, so it is made also where version 1 has all the limits; only
// what is needed must succeed.
func (g *Group) make2(h *host, r *setup.Resources, in map[string]*hierarchy) error {
	if h.v2 == nil {
		if r.CgroupParent != "" {
			return &setup.Error{Step: "cgroup", Target: r.CgroupParent, Detail: "this system has no cgroup version 2", Hint: "leave out --cgroup-parent"}
		}
		return nil
	}
	var need []string
	for _, c := range controllers(r) {
		if in[c] == h.v2 {
			need = append(need, c)
		}
	}
	var counting []string
	for _, c := range []string{"memory", "cpu", "pids", "io"} {
		if r.Usage && !slices.Contains(need, c) && h.of(c) == h.v2 {
			counting = append(counting, c)
		}
	}
	parent, err := h.v2.parent(r.CgroupParent, slices.Concat(need, counting))
	if err != nil && len(counting) > 0 {
		parent, err = h.v2.parent(r.CgroupParent, need)
	}
	var d *dir
	if err == nil {
		h.v2.sweep(parent)
		d, err = makeDir(h.v2, parent)
	}
	if err != nil {
		if len(need) == 0 && r.CgroupParent == "" && (len(in) > 0 || !r.NeedsCgroup()) {
			return nil
		}
		return err
	}
	g.dirs = append(g.dirs, d)
	return d.set(knobs2(r), func(c string) bool { return in[c] == h.v2 })
}

// parent is the cgroup that was named, or the nearest that will do.
func (h *hierarchy) parent(named string, controllers []string) (string, error) {
	if named == "" {
		return h.place(controllers)
	}
	if err := h.usable(named, controllers); err != nil {
		return "", placeError(h.dir(named), err)
	}
	return named, nil
}

// make1 makes the directories of version 1. There a cgroup with processes can
// have cgroups below it: they are made below the caller's own.
func (g *Group) make1(h *host, r *setup.Resources, in map[string]*hierarchy) error {
	for _, t := range h.v1 {
		needed := slices.ContainsFunc(controllers(r), func(c string) bool { return in[c] == t })
		counts := slices.Contains(t.controllers, "cpuacct") && r.CPUTime != 0
		wanted := r.Usage && slices.ContainsFunc(t.controllers, func(c string) bool {
			return c == "memory" || c == "pids" || c == "cpuacct" || c == "blkio"
		})
		if !needed && !counts && !wanted {
			continue
		}
		t.sweep(t.own)
		d, err := makeDir(t, t.own)
		if err != nil && needed {
			return version1Error(t, err)
		}
		if err != nil {
			continue // the usage lacks what this one counts
		}
		g.dirs = append(g.dirs, d)
		if err := d.set(knobs1(r), func(c string) bool { return in[c] == t }); err != nil {
			return err
		}
	}
	return nil
}

func version1Error(t *hierarchy, err error) error {
	e := setup.Fail("cgroup", "", err).(*setup.Error)
	if e.Errno == unix.EACCES || e.Errno == unix.EPERM {
		e.Hint = "this system keeps it in cgroup version 1, where only root makes cgroups"
	}
	return e
}

// FD is a descriptor of the version 2 directory to clone the jail into
// (CLONE_INTO_CGROUP of clone3(2), Linux 5.7), or -1.
func (g *Group) FD() int {
	if g == nil || len(g.dirs) == 0 || !g.dirs[0].h.v2 {
		return -1
	}
	return g.dirs[0].fd
}

// Path is the version 2 directory, or empty: there the jail can be killed and
// frozen (cgroup.kill, cgroup.freeze).
func (g *Group) Path() string {
	if g.FD() < 0 {
		return ""
	}
	return g.dirs[0].path
}

// Enter moves a process into the version 1 directories, which no clone can do.
func (g *Group) Enter(pid int) error {
	if g == nil {
		return nil
	}
	for _, d := range g.dirs {
		if d.h.v2 {
			continue
		}
		if err := write(d.path+"/cgroup.procs", strconv.Itoa(pid)); err != nil {
			return setup.Fail("cgroup", d.path, err)
		}
	}
	return nil
}

// Kill opens the file by which all processes in the version 2 directory are
// killed, even one that is being forked (cgroup.kill, Linux 5.14), for writing.
func (g *Group) Kill() (int, error) {
	if g.FD() < 0 {
		return -1, unix.ENOENT
	}
	return unix.Openat(g.FD(), "cgroup.kill", unix.O_WRONLY|unix.O_CLOEXEC, 0)
}

// Signal sends a signal to the processes in the version 2 directory, but not to
// one of them. Numbers are no danger: one that was another's when it was read is
// not in the list any more when the process is held.
func (g *Group) Signal(sig unix.Signal, except int) {
	if g.FD() < 0 {
		return
	}
	held := map[string]int{}
	for _, pid := range words(g.Path() + "/cgroup.procs") {
		n, _ := strconv.Atoi(pid)
		if fd, err := unix.PidfdOpen(n, 0); err == nil && n != except {
			held[pid] = fd
		}
	}
	for _, pid := range words(g.Path() + "/cgroup.procs") {
		if fd, ok := held[pid]; ok {
			_ = unix.PidfdSendSignal(fd, sig, nil, 0)
		}
	}
	for _, fd := range held {
		_ = unix.Close(fd)
	}
}

// Empty waits until no process is in the version 2 directory, a number of tries
// at most, each twice as long as the one before, which begin with a millisecond.
func (g *Group) Empty(tries int) {
	for wait := time.Millisecond; tries > 0 && len(words(g.Path()+"/cgroup.procs")) > 0; tries-- {
		time.Sleep(wait)
		wait *= 2
	}
}

// Remove ends what is left in the cgroup and removes it.
func (g *Group) Remove() error {
	if g == nil {
		return nil
	}
	var all *multierror.Error
	for _, d := range g.dirs {
		if err := d.remove(); err != nil {
			all = multierror.Append(all, err)
		}
	}
	g.dirs = nil
	return all.ErrorOrNil()
}

// Sweep removes the cgroups that killed jailspawns left where the caller's
// jails get theirs by default, and returns their paths.
func Sweep() []string {
	h, err := find()
	if err != nil {
		return nil
	}
	var swept []string
	for _, t := range h.v1 {
		swept = append(swept, t.sweep(t.own)...)
	}
	if h.v2 == nil {
		return swept
	}
	for at := h.v2.own; ; at = parentOf(at) {
		swept = append(swept, h.v2.sweep(at)...)
		if at == "/" {
			return swept
		}
	}
}

func parentOf(cgroup string) string {
	for i := len(cgroup) - 1; i > 0; i-- {
		if cgroup[i] == '/' {
			return cgroup[:i]
		}
	}
	return "/"
}
