package named

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// A Process names a process for as long as the machine runs: pids are given
// again, but not with the same start time.
type Process struct {
	PID   int    `json:"pid"`
	Start uint64 `json:"start"` // clock ticks since boot (proc_pid_stat(5))
}

// Identify returns the identity of a process that is known to exist.
func Identify(pid int) (Process, error) {
	fields, err := statFields(pid)
	if err != nil {
		return Process{}, setup.Fail("process", strconv.Itoa(pid), err)
	}
	start, err := strconv.ParseUint(fields[statStart], 10, 64)
	return Process{pid, start}, setup.Fail("process", strconv.Itoa(pid), err)
}

// Open returns a descriptor of the process (pidfd_open(2), Linux 5.3), or
// ESRCH if it has ended.
func (p Process) Open() (int, error) {
	if p.PID <= 0 {
		return -1, unix.ESRCH
	}
	fd, err := unix.PidfdOpen(p.PID, 0)
	if err != nil {
		return -1, unix.ESRCH
	}
	// Now that the descriptor holds whatever has the number, look who it is.
	if now, err := Identify(p.PID); err != nil || now != p {
		unix.Close(fd)
		return -1, unix.ESRCH
	}
	return fd, nil
}

// alive reports whether the process still runs. A zombie doesn't.
func (p Process) alive() bool {
	fd, err := p.Open()
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	return !ended(fd, 0)
}

// ended waits at most timeout milliseconds, for ever if it is negative, for
// the end of the process behind a pidfd.
func ended(pidfd, timeout int) bool {
	poll := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(poll, timeout)
		if err != unix.EINTR {
			return err == nil && n > 0
		}
	}
}

// Fields of /proc/PID/stat behind the command's name, from 0.
const (
	statState  = 0
	statParent = 1
	statUser   = 11
	statSystem = 12
	statStart  = 19

	statReapedUser   = 13
	statReapedSystem = 14
)

func statFields(pid int) ([]string, error) {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	if len(fields) <= statStart {
		return nil, unix.EPROTO
	}
	return fields, nil
}

// bootID tells this run of the machine from others.
func bootID() string {
	id, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(id))
}
