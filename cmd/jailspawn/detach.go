package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/spawn"
	"github.com/jailspawn/jailspawn/setup/spawn/catch"
	"github.com/jailspawn/jailspawn/setup/spawn/cgroup"
)

// watchOptions say how the jail is run, beside what it is: where its output
// and its reports go, and whether jailspawn waits for it.
type watchOptions struct {
	detach   bool
	log      string
	statusFD int
	signals  *catch.Signals // nil if none are caught
}

func (o *watchOptions) watchFlags(f *pflag.FlagSet) {
	f.BoolVar(&o.detach, "detach", false, "")
	f.StringVar(&o.log, "log", "", "")
	f.IntVar(&o.statusFD, "status-fd", 0, "")
}

// watchFlag says which flags are no part of a plan.
var watchFlag = map[string]bool{"detach": true, "log": true, "status-fd": true}

// givenOf counts the flags that were given and are part of a plan.
func (o *watchOptions) givenOf(set *pflag.FlagSet) int {
	n := 0
	set.Visit(func(f *pflag.Flag) {
		if !watchFlag[f.Name] {
			n++
		}
	})
	return n
}

// check finds what doesn't fit together before anything is done.
func (o *watchOptions) check(p *setup.Plan) error {
	if o.detach && p.Name == "" {
		return usage("--detach without --name", "a jail in the background is found by its name")
	}
	if o.statusFD == 0 {
		return nil
	}
	if _, err := unix.FcntlInt(uintptr(o.statusFD), unix.F_GETFD, 0); o.statusFD < 0 || err != nil {
		return usage("--status-fd "+strconv.Itoa(o.statusFD)+" is not open", "give a descriptor that is open for writing, as by 3>file")
	}
	return nil
}

// fill sets up the streams and the reports.
func (o *watchOptions) fill(so *spawn.Options) error {
	if o.statusFD > 0 {
		unix.CloseOnExec(o.statusFD)
		so.Report = o.report
	}
	if o.log != "" {
		path, err := filepath.Abs(o.log)
		if err != nil {
			return setup.Fail("log", o.log, err)
		}
		log, err := openLog(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND)
		if err != nil {
			return logError("log", o.log, err)
		}
		so.Log, so.Stdout, so.Stderr = path, log, log
	}
	return nil
}

// openLog opens a log, which may lie where jails can write: one may have put a
// link in its place, so as to have the next write elsewhere, or a pipe that
// nobody reads.
func openLog(path string, flags int) (*os.File, error) {
	fd, err := unix.Open(path, flags|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0o600)
	if err == nil {
		err = unix.SetNonblock(fd, false)
	}
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), path), nil
}

func logError(step, path string, err error) error {
	e := setup.Fail(step, path, err).(*setup.Error)
	switch e.Errno {
	case unix.ELOOP:
		e.Detail, e.Hint = "it is a symbolic link", "name the file itself, which realpath prints"
	case unix.ENXIO:
		e.Detail, e.Hint = "it is a pipe that nobody reads", "name a file"
	}
	return e
}

// report writes a report as one line. A reader that has gone doesn't keep the
// jail from running.
func (o *watchOptions) report(r *spawn.Report) {
	data, err := json.Marshal(r)
	if err == nil {
		_, _ = unix.Write(o.statusFD, append(data, '\n'))
	}
}

// reportExit writes the last report of a jail that ran.
func (o *watchOptions) reportExit(status syscall.WaitStatus, code int, used cgroup.Usage) {
	if o.statusFD > 0 {
		o.report(spawn.ExitReport(status, code, &used))
	}
}

// reportError writes the last reports of a jail that failed.
func (o *watchOptions) reportError(err error) {
	if o.statusFD <= 0 {
		return
	}
	for _, r := range spawn.ErrorReports(err) {
		o.report(r)
	}
}

// detach starts this program again in a session of its own, to supervise the
// jail, and returns when the payload runs or with what kept it from running.
// Descriptors that were left open for the jail are inherited as they are.
func detach(args []string) (int, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, setup.Fail("detach", "", err)
	}
	var ready [2]int
	if err := unix.Pipe2(ready[:], unix.O_CLOEXEC); err != nil {
		return 0, setup.Fail("detach", "", err)
	}
	defer unix.Close(ready[0])
	if _, err := unix.FcntlInt(uintptr(ready[1]), unix.F_SETFD, 0); err != nil {
		return 0, setup.Fail("detach", "", err)
	}
	argv := append([]string{"jailspawn", superviseVerb, strconv.Itoa(ready[1])}, args...)
	pid, err := syscall.ForkExec(self, argv, &syscall.ProcAttr{
		Env: os.Environ(), Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	unix.Close(ready[1])
	if err != nil {
		return 0, setup.Fail("detach", self, err)
	}
	var b [1]byte
	for {
		n, err := unix.Read(ready[0], b[:])
		if err == unix.EINTR {
			continue
		}
		if n == 1 {
			return 0, nil
		}
		break
	}
	var status unix.WaitStatus
	for {
		if _, err := unix.Wait4(pid, &status, 0, nil); err != unix.EINTR {
			return spawn.ExitStatus(syscall.WaitStatus(status)), nil
		}
	}
}
