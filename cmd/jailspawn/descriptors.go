package main

import (
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// checkDescriptors wants those that the plan names to be the caller's. They
// came through execve(2), so they don't close on it, as all of our own do: a
// number that the caller left closed may be one of those by now.
func checkDescriptors(p *setup.Plan) error {
	named := slices.Clone(p.Process.PassFDs)
	if p.Service.ReadyFD > 0 {
		named = append(named, p.Service.ReadyFD)
	}
	for _, fd := range named {
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err != nil || flags&unix.FD_CLOEXEC != 0 {
			return &setup.Error{
				Step: "descriptor", Target: strconv.Itoa(fd), Errno: unix.EBADF,
				Hint: "name one that is open when jailspawn starts", Status: setup.StatusMisuse,
			}
		}
	}
	return nil
}
