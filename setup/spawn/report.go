package spawn

import (
	"errors"
	"strconv"
	"syscall"

	"github.com/hashicorp/go-multierror"
	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/spawn/cgroup"
)

// A Report is one event in the life of a jail, for programs that watch it. As
// JSON it is the stable interface of jail-status(5): fields and events may be
// added, none changes its meaning.
//
// A jail reports "started", then "ready", then "exited"; "error" takes the
// place of what can't come any more, and is then the last. There may be several
// errors, one for each problem.
type Report struct {
	Event string `json:"event"`

	// started: process 1 of the jail exists, in its namespaces.
	Name       string            `json:"name,omitempty"`
	PID        int               `json:"pid,omitempty"`        // of process 1, on the host
	Namespaces map[string]uint64 `json:"namespaces,omitempty"` // inode numbers, as in /proc/PID/ns

	// exited: the jail is gone.
	Status *int   `json:"status,omitempty"` // the exit status of jailspawn
	Signal string `json:"signal,omitempty"` // that ended the payload, such as SIGKILL

	Core bool `json:"core_dumped,omitempty"` // and it left a core dump (core(5))

	OOM     bool          `json:"oom,omitempty"`     // processes were killed for want of memory
	Timeout bool          `json:"timeout,omitempty"` // the jail's time was over
	Usage   *cgroup.Usage `json:"usage,omitempty"`

	// error: a step went wrong. Status is there, too.
	Step    string `json:"step,omitempty"`
	Target  string `json:"target,omitempty"`
	Detail  string `json:"detail,omitempty"`
	Errno   int    `json:"errno,omitempty"`
	Hint    string `json:"hint,omitempty"`
	Message string `json:"message,omitempty"` // the whole, as on standard error
}

// The events of a [Report].
const (
	ReportStarted = "started" // process 1 exists
	ReportReady   = "ready"   // the payload runs its program, or with a notification socket says so
	ReportExited  = "exited"  // the jail is gone
	ReportError   = "error"   // a step went wrong
)

// namespaceFiles are the names in /proc/PID/ns of the namespaces of a jail.
var namespaceFiles = []string{"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"}

// reportStarted tells of the jail before it gets its plan: once it has that,
// process 1 hides its links in /proc.
func (j *Jail) reportStarted() {
	if j.report == nil {
		return
	}
	r := &Report{Event: ReportStarted, Name: j.asked.Name, PID: j.pid, Namespaces: map[string]uint64{}}
	for _, file := range namespaceFiles {
		var st unix.Stat_t
		if unix.Stat("/proc/"+strconv.Itoa(j.pid)+"/ns/"+file, &st) == nil {
			r.Namespaces[file] = st.Ino
		}
	}
	j.report(r)
}

// ExitReport is the last report of a jail that ended with a wait status; code
// is what this makes of the exit status of jailspawn.
func ExitReport(status syscall.WaitStatus, code int, used *cgroup.Usage) *Report {
	r := &Report{Event: ReportExited, Status: &code, Usage: used}
	r.OOM = used.OOMKills != nil && *used.OOMKills > 0
	r.Timeout = code == setup.StatusTimeout
	if status.Signaled() {
		r.Signal = unix.SignalName(status.Signal())
		if r.Signal == "" {
			r.Signal = "SIG" + strconv.Itoa(int(status.Signal())) // a real-time signal
		}
		r.Core = status.CoreDump()
	}
	return r
}

// ErrorReports are the last reports of a jail that failed with err.
func ErrorReports(err error) []*Report {
	problems := []error{err}
	var several *multierror.Error
	if errors.As(err, &several) {
		problems = several.Errors
	}
	var list []*Report
	for _, p := range problems {
		e := setup.Fail("jail", "", p).(*setup.Error)
		code := setup.ExitStatus(p)
		list = append(list, &Report{
			Event: ReportError, Status: &code, Step: e.Step, Target: e.Target,
			Detail: e.Detail, Errno: int(e.Errno), Hint: e.Hint, Message: e.Error(),
		})
	}
	return list
}
