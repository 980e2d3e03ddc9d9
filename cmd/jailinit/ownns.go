package main

import (
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/confine"
)

// A payload that keeps sys_admin lives in a user and mount namespace inside the
// jail's, and each process that exec starts in another.

// hiddenProcFD is where a second stage with namespaces of its own finds a proc,
// in the place of the control socket.
const hiddenProcFD = setup.ControlFD

// inOwnNamespaces lets fork put the new process into a user and mount
// namespace inside the jail's. Its maps can only be written while this process
// is dumpable, and the jail's limit of user namespaces has to make way. Neither
// serves the payload that may be running: it has no rights over this process,
// and the limit of its own namespace stays; see [jail.leaveProc].
func (j *jail) inOwnNamespaces(how *syscall.ProcAttr, fork func() error) error {
	attr := how.Sys
	attr.Cloneflags = unix.CLONE_NEWUSER | unix.CLONE_NEWNS
	attr.UidMappings, attr.GidMappings = same(j.plan.IDs.UIDs), same(j.plan.IDs.GIDs)
	attr.GidMappingsEnableSetgroups = !j.plan.IDs.Single()
	for c := range setup.CapabilityCount {
		attr.AmbientCaps = append(attr.AmbientCaps, uintptr(c))
	}
	proc, err := confine.HiddenProc()
	if err != nil {
		return err
	}
	defer unix.Close(proc)
	how.Files[hiddenProcFD] = uintptr(proc)
	if !j.plan.AllowUserns {
		if err := confine.LimitUserns(proc, 1<<20); err != nil {
			return err
		}
	}
	err = confine.Show()
	if err == nil {
		err = forkIn(proc, fork)
	}
	if hideErr := confine.Hide(); err == nil {
		err = hideErr
	}
	if !j.plan.AllowUserns {
		if limitErr := confine.LimitUserns(proc, 0); err == nil {
			err = limitErr
		}
	}
	return err
}

// forkIn lets fork work in a directory, from which the new process has to go.
func forkIn(dir int, fork func() error) error {
	err := unix.Fchdir(dir)
	if err == nil {
		err = fork()
	}
	if backErr := unix.Chdir("/"); err == nil {
		err = backErr
	}
	return err
}

// leaveProc drops the proc that the second stage was executed by, and before
// forbids user namespaces inside its own, where the payload will be: that holds
// also while the jail's limit makes way for another process.
func (j *jail) leaveProc() error {
	if !j.plan.OwnMounts() {
		return nil
	}
	defer unix.Close(hiddenProcFD)
	if err := unix.Chdir("/"); err != nil {
		return setup.Fail("second stage", "/", err)
	}
	if j.plan.AllowUserns {
		return nil
	}
	return confine.LimitUserns(hiddenProcFD, 0)
}

// same maps the jail's ids onto themselves.
func same(maps []setup.IDMap) []syscall.SysProcIDMap {
	out := make([]syscall.SysProcIDMap, len(maps))
	for i, m := range maps {
		out[i] = syscall.SysProcIDMap{ContainerID: int(m.Inside), HostID: int(m.Inside), Size: int(m.Count)}
	}
	return out
}
