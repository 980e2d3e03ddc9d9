package spawn

import (
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/spawn/cgroup"
	"github.com/jailspawn/jailspawn/setup/spawn/named"
)

// A running jail that leaves its supervisor nothing to do but to wait can be
// passed to another program that this process executes: pid, descriptors and
// locks stay. [Jail.Pass] gives it away, [Take] takes it over.

// Pass prepares the jail for an execve(2) by this thread, the process's first,
// and returns the words for [Take]. It is for a function that [Options.Started]
// calls. ok is false where something is to be done as long as the jail lives,
// or the jail has no name to be found by: then nothing was changed.
func (j *Jail) Pass() (words []string, ok bool) {
	busy := j.attachment != nil || j.group != nil || j.terminal.Load() != nil || j.notify != nil || j.limit != nil || j.held != nil ||
		len(j.asked.Life.SignalMap) > 0 || len(j.pending) > 0
	if busy || j.claim == nil || unix.Gettid() != os.Getpid() {
		return nil, false
	}
	words = []string{j.asked.Name, strconv.Itoa(j.pid)}
	for _, fd := range []int{j.status, j.control, j.claim.Lock(), j.ids} {
		words = append(words, strconv.Itoa(fd))
		keepOpen(fd)
	}
	group := j.group.Pass(keepOpen)
	return append(words, group...), true
}

// Group reports whether signals for the payload go to its process group.
func (j *Jail) Group() bool { return j.asked.Life.SignalGroup }

// Plan returns the plan of the jail as it is run; it is not to be changed.
func (j *Jail) Plan() *setup.Plan { return j.asked }

// Control returns the socket on which jailinit takes [setup.Control] messages.
func (j *Jail) Control() int { return j.control }

func keepOpen(fd int) {
	if fd >= 0 {
		_, _ = unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0)
	}
}

// Take takes over a jail from the words of [Jail.Pass]. [Jail.Wait] has to be
// called, as after [Start].
func Take(words []string) (*Jail, error) {
	const fixed = 6
	if len(words) < fixed {
		return nil, &setup.Error{Step: "watch", Detail: "words are missing: " + strings.Join(words, " ")}
	}
	var n [fixed]int
	for i, word := range words[1:fixed] {
		number, err := strconv.Atoi(word)
		if err != nil {
			return nil, &setup.Error{Step: "watch", Detail: word + " is no number"}
		}
		n[i] = number
		if i > 0 && number >= 0 {
			unix.CloseOnExec(number)
		}
	}
	dir, err := named.Open()
	if err != nil {
		return nil, err
	}
	claim, state, err := dir.Adopt(words[0], n[3])
	if err != nil {
		return nil, err
	}
	runtime.LockOSThread()
	return &Jail{
		pid: n[0], status: n[1], control: n[2], ids: n[4], plan: -1,
		asked: state.Plan, claim: claim, begin: state.Started, group: cgroup.Adopt(words[fixed:]),
	}, nil
}
