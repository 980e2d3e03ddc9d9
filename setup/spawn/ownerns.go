package spawn

import (
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// ownerNS returns a user namespace that maps one uid and gid on disk to the
// payload's. A namespace needs a process to begin with: a child that is given
// nothing to run, and whose user namespace is still there when it has exited.
func ownerNS(uid, gid uint32, p *setup.Plan) (int, error) {
	toUID, _ := setup.Outside(p.IDs.UIDs, p.Process.UID)
	toGID, _ := setup.Outside(p.IDs.GIDs, p.Process.GID)
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(null)
	init, err := openInit("")
	if err != nil {
		return -1, err
	}
	defer unix.Close(init)
	pid, err := syscall.ForkExec("/proc/self/fd/"+strconv.Itoa(init), []string{"jailinit"}, &syscall.ProcAttr{
		Files: []uintptr{uintptr(null), uintptr(null), uintptr(null)},
		Sys: &syscall.SysProcAttr{
			Cloneflags:  unix.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: int(uid), HostID: int(toUID), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: int(gid), HostID: int(toGID), Size: 1}},
		},
	})
	if err != nil {
		return -1, err
	}
	fd, err := openNS(pid)
	_, _ = unix.Wait4(pid, nil, 0, nil)
	return fd, err
}
