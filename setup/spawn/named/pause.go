package named

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// Pause stops all processes of the jail, process 1 among them, until [Resume]
// (cgroup.freeze of cgroups(7), Linux 5.2). It needs a cgroup of version 2 of
// the jail's own, and returns when all have stopped.
func (j *Jail) Pause() error { return j.freeze("pause", "1") }

// Resume lets a paused jail go on.
func (j *Jail) Resume() error { return j.freeze("resume", "0") }

// freezeTime bounds the wait for processes that are deep in the kernel.
const freezeTime = 10 * time.Second

func (j *Jail) freeze(step, value string) error {
	if j.Cgroup == "" {
		return &setup.Error{
			Step: step, Target: j.Name, Detail: "the jail has no cgroup of version 2 of its own",
			Hint: "start it with --cgroup; an ordinary user needs a cgroup delegated to it, as systemd-run --user --scope -p Delegate=yes gives",
		}
	}
	if err := os.WriteFile(j.Cgroup+"/cgroup.freeze", []byte(value), 0); err != nil {
		return setup.Fail(step, j.Name, err)
	}
	for end := time.Now().Add(freezeTime); j.frozen("cgroup.events", "frozen ") != (value == "1"); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			return &setup.Error{Step: step, Target: j.Name, Detail: "some of its processes take long", Errno: unix.ETIMEDOUT}
		}
	}
	return nil
}

// Paused reports whether the jail is paused, or about to be.
func (j *Jail) Paused() bool { return j.frozen("cgroup.freeze", "") }

// frozen looks for a line of key and 1 in a file of the jail's cgroup.
func (j *Jail) frozen(file, key string) bool {
	if j.Cgroup == "" {
		return false
	}
	data, err := os.ReadFile(j.Cgroup + "/" + file)
	return err == nil && strings.Contains("\n"+string(data), "\n"+key+"1\n")
}
