package cgroup

import (
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// prefix opens the names of all cgroups that jailspawn makes.
const prefix = "jailspawn-"

// A dir is a cgroup that this process made. The lock (flock(2)) on its
// descriptor tells others that it is in use; the kernel frees it however this
// process ends.
type dir struct {
	h    *hierarchy
	path string
	fd   int
}

// makeDir makes a cgroup below another one.
func makeDir(h *hierarchy, parent string) (*dir, error) {
	for n := 0; ; n++ {
		d := &dir{h: h, path: h.dir(parent) + "/" + prefix + strconv.Itoa(unix.Getpid()) + "-" + strconv.Itoa(n)}
		err := unix.Mkdir(d.path, 0o755)
		if err == unix.EEXIST {
			continue
		}
		if err != nil {
			return nil, placeError(h.dir(parent), err)
		}
		if d.fd, err = lock(d.path); err == unix.ENOENT || err == unix.EWOULDBLOCK {
			continue // taken for a left-over by a sweep, between the two calls
		}
		if err != nil {
			_ = unix.Rmdir(d.path)
			return nil, setup.Fail("cgroup", d.path, err)
		}
		return d, nil
	}
}

// lock opens a cgroup and locks it: EWOULDBLOCK if somebody else has it,
// ENOENT if it was removed meanwhile.
func lock(path string) (int, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	err = unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
	var opened, named unix.Stat_t
	if err == nil {
		err = unix.Fstat(fd, &opened)
	}
	if err == nil {
		err = unix.Stat(path, &named)
	}
	if err == nil && opened.Ino != named.Ino {
		err = unix.ENOENT
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// remove ends what is left in the cgroup and removes it. The kernel counts a
// process as gone a moment after its parent has heard of its end.
func (d *dir) remove() error {
	defer unix.Close(d.fd)
	err := unix.Rmdir(d.path)
	if err == unix.EBUSY && d.h.v2 {
		_ = write(d.path+"/cgroup.kill", "1")
	}
	for wait := time.Millisecond; err == unix.EBUSY && wait < time.Second; wait *= 2 {
		time.Sleep(wait)
		err = unix.Rmdir(d.path)
	}
	if err == unix.ENOENT {
		return nil
	}
	return setup.Fail("cgroup", d.path, err)
}

// sweep removes the cgroups below a parent that a killed jailspawn left behind,
// and returns their paths. Their jails ended with it.
func (h *hierarchy) sweep(parent string) (swept []string) {
	entries, err := os.ReadDir(h.dir(parent))
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), prefix) {
			continue
		}
		d := &dir{h: h, path: h.dir(parent) + "/" + e.Name()}
		if d.fd, err = lock(d.path); err != nil {
			continue // in use, or gone
		}
		if d.remove() == nil {
			swept = append(swept, d.path)
		}
	}
	return swept
}
