package cgroup

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/rawfile"
)

// A hierarchy is one mounted tree of cgroups.
type hierarchy struct {
	v2          bool
	controllers []string // of version 1; version 2 has files that tell
	mount       string   // where its root, or what of it is shown, is mounted
	own         string   // the caller's cgroup, as a path below mount
}

// dir returns the directory of a cgroup.
func (h *hierarchy) dir(cgroup string) string { return path.Join(h.mount, cgroup) }

// A host is what a machine has of cgroups.
type host struct {
	v2 *hierarchy
	v1 []*hierarchy
}

// find reads which hierarchies there are and where in each the caller is.
func find() (*host, error) {
	mounts, err := rawfile.Read("/proc/self/mountinfo")
	if err != nil {
		return nil, setup.Fail("cgroup", "", err)
	}
	own, err := rawfile.Read("/proc/self/cgroup")
	if err != nil {
		return nil, setup.Fail("cgroup", "", err)
	}
	return parse(string(mounts), string(own)), nil
}

// parse reads mountinfo (proc_pid_mountinfo(5)) and /proc/PID/cgroup
// (cgroups(7)). A hierarchy that shows only a part without the caller's own
// cgroup is of no use and left out.
func parse(mounts, own string) *host {
	h := new(host)
	for line := range strings.Lines(mounts) {
		left, right, _ := strings.Cut(strings.TrimSpace(line), " - ")
		l, r := strings.Fields(left), strings.Fields(right)
		if len(l) < 5 || len(r) < 3 || (r[0] != "cgroup" && r[0] != "cgroup2") {
			continue
		}
		t := &hierarchy{v2: r[0] == "cgroup2", mount: unescape(l[4])}
		if !t.v2 {
			t.controllers = strings.Split(r[2], ",")
		}
		shown := unescape(l[3])
		at, ok := ownPath(own, t)
		if !ok || strings.HasPrefix(at, "/..") || (at != shown && shown != "/" && !strings.HasPrefix(at, shown+"/")) {
			continue
		}
		t.own = path.Join("/", strings.TrimPrefix(at, strings.TrimSuffix(shown, "/")))
		if !t.v2 {
			h.v1 = append(h.v1, t)
		} else if h.v2 == nil {
			h.v2 = t
		}
	}
	return h
}

// ownPath finds the line of t's hierarchy in /proc/PID/cgroup.
func ownPath(own string, t *hierarchy) (string, bool) {
	for line := range strings.Lines(own) {
		field := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(field) != 3 {
			continue
		}
		if t.v2 && field[1] == "" {
			return field[2], true
		}
		for _, c := range strings.Split(field[1], ",") {
			if !t.v2 && c != "" && slices.Contains(t.controllers, c) {
				return field[2], true
			}
		}
	}
	return "", false
}

// unescape undoes the octal escapes of mountinfo.
func unescape(s string) string {
	for i := 0; i+3 < len(s); i++ {
		if s[i] != '\\' {
			continue
		}
		if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
			s = s[:i] + string([]byte{byte(n)}) + s[i+4:]
		}
	}
	return s
}

// of returns the hierarchy that has a controller, or nil. A controller is in
// one hierarchy at a time.
func (h *host) of(controller string) *hierarchy {
	if h.v2 != nil && slices.Contains(words(h.v2.dir("/")+"/cgroup.controllers"), controller) {
		return h.v2
	}
	for _, t := range h.v1 {
		if slices.Contains(t.controllers, controller) {
			return t
		}
	}
	return nil
}

// words returns what a file of the kernel lists; one that can't be read lists
// nothing.
func words(file string) []string {
	data, err := rawfile.Read(file)
	if err != nil {
		return nil
	}
	return strings.Fields(string(data))
}

// write writes a value to a file of a cgroup, in one call.
func write(file, value string) error {
	fd, err := unix.Open(file, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = unix.Write(fd, []byte(value))
	return err
}
