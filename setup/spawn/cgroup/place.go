package cgroup

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// place finds a cgroup of version 2 below which a cgroup with the controllers
// can be made: the caller's own, or the nearest above it. Controllers are
// enabled on the way; one with processes in it can't have any enabled, but for
// the root ("no internal processes", cgroups(7)).
func (h *hierarchy) place(controllers []string) (string, error) {
	var first error
	for at := h.own; ; at = path.Dir(at) {
		err := h.usable(at, controllers)
		if err == unix.EBUSY && at == h.own && h.stepAside() == nil {
			err = h.usable(at, controllers)
		}
		if err == nil {
			return at, nil
		}
		if first == nil {
			first = placeError(h.dir(at), err)
		}
		if at == "/" || at == "." {
			return "", first
		}
	}
}

// usable makes sure that a jail's cgroup can be made below a cgroup: that it
// can be given the controllers, and that the caller may move processes into it,
// for which the kernel looks at the common ancestor.
func (h *hierarchy) usable(at string, controllers []string) error {
	dir := h.dir(at)
	if err := unix.Faccessat2(unix.AT_FDCWD, dir, unix.W_OK, unix.AT_EACCESS); err != nil {
		return err
	}
	ancestor := dir
	for !beneath(h.dir(h.own), ancestor) {
		ancestor = path.Dir(ancestor)
	}
	if err := unix.Faccessat2(unix.AT_FDCWD, ancestor+"/cgroup.procs", unix.W_OK, unix.AT_EACCESS); err != nil {
		return err
	}
	if len(controllers) > 0 && populated(dir) {
		return unix.EBUSY
	}
	return enable(dir, controllers)
}

// populated reports whether a cgroup has processes of its own, and isn't the
// root, which may. The kernel would enable cpu and pids below it all the same,
// but take no process into what is made there (threaded mode).
func populated(dir string) bool {
	return len(words(dir+"/cgroup.type")) > 0 && len(words(dir+"/cgroup.procs")) > 0
}

// enable gives the children of a cgroup the controllers.
func enable(dir string, controllers []string) error {
	available, enabled := words(dir+"/cgroup.controllers"), words(dir+"/cgroup.subtree_control")
	for _, c := range controllers {
		if slices.Contains(enabled, c) {
			continue
		}
		if !slices.Contains(available, c) {
			return &setup.Error{Detail: "the controller " + c + " is not handed down to it"}
		}
		if err := write(dir+"/cgroup.subtree_control", "+"+c); err != nil {
			return err
		}
	}
	return nil
}

// stepAside moves the caller into a cgroup below its own, if it is alone there:
// in a scope or service of systemd that holds nothing else. [Sweep] removes it
// later.
func (h *hierarchy) stepAside() error {
	dir := h.dir(h.own)
	self := strconv.Itoa(unix.Getpid())
	if procs := words(dir + "/cgroup.procs"); len(procs) != 1 || procs[0] != self {
		return unix.EBUSY
	}
	d, err := makeDir(h, h.own)
	if err != nil {
		return err
	}
	// The descriptor stays open: its lock says that the directory is in use.
	return write(d.path+"/cgroup.procs", "0")
}

func placeError(dir string, err error) error {
	e := setup.Fail("cgroup", dir, err).(*setup.Error)
	e.Step = "cgroup"
	switch e.Errno {
	case unix.EACCES, unix.EPERM:
		e.Hint = "needs root or a cgroup of the caller's own: systemd-run --user --scope -p Delegate=yes jailspawn ..."
	case unix.EROFS:
		e.Hint = "this container may not make cgroups; give it a writable /sys/fs/cgroup"
	case unix.EBUSY:
		e.Detail = "has processes, so that the kernel enables no controllers below it"
		e.Hint = "start jailspawn in a scope of its own: systemd-run --scope -p Delegate=yes jailspawn ..."
	default:
		e.Hint = "name a cgroup that has it with --cgroup-parent, or leave the limit out"
	}
	return e
}

// beneath reports whether name is dir or lies below it.
func beneath(name, dir string) bool {
	return name == dir || dir == "/" || strings.HasPrefix(name, dir+"/")
}
