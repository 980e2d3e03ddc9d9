package named

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// triedPrograms is how many jails [Dir.Program] looks at.
const triedPrograms = 4

// Program returns a descriptor, for reading, of the program that process 1 of a
// running jail executes, of the first few that will do, or -1. What it is is
// for will to find out: a payload that may trace process 1 can make it execute
// another.
func (d *Dir) Program(will func(program int) bool) int {
	names, err := d.names()
	if err != nil {
		return -1
	}
	tried := 0
	for _, name := range names {
		s, err := d.readState(name)
		if err != nil {
			continue // it is being made, or gone
		}
		fd := s.Init.program()
		if fd >= 0 && will(fd) {
			return fd
		}
		if fd >= 0 {
			unix.Close(fd)
		}
		if tried++; tried == triedPrograms {
			break
		}
	}
	return -1
}

// program opens what the process executes, or returns -1.
func (p Process) program() int {
	pidfd, err := p.Open()
	if err != nil {
		return -1
	}
	defer unix.Close(pidfd)
	fd, err := unix.Open("/proc/"+strconv.Itoa(p.PID)+"/exe", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1
	}
	if ended(pidfd, 0) { // so the number may have been another's
		unix.Close(fd)
		return -1
	}
	return fd
}
