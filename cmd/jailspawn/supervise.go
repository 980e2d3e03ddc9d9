package main

import (
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/spawn"
)

// How a detached jail is supervised: as by run, up to the moment when its
// payload runs. If from then on there is nothing to do but to wait, jailspawn
// executes itself as the watcher, which does without the Go runtime
// (watch_amd64.s); this executes jailspawn again when the jail is gone, to
// clean up. Pid, descriptors and locks stay the same all the time.

// The words by which this program calls itself. They are no verbs for people.
const (
	superviseVerb = "supervise" // supervise FD [flags of run]
	watchVerb     = "watching"  // see watch_amd64.s, which knows the word
	finishVerb    = "finish"    // finish STATUSFD WORD ..., the words of spawn.Take
)

// watcher is "yes" if the linker made entry the start of this program.
var watcher string

// supervise runs a detached jail. The caller of run waits at the other end of
// the descriptor.
func supervise(args []string) (int, error) {
	ready, err := strconv.Atoi(strings.Join(args[:min(1, len(args))], ""))
	if err != nil {
		return 0, usage("supervise is not for people", "jailspawn run --detach")
	}
	unix.CloseOnExec(ready)
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return 0, setup.Fail("detach", "", err)
	}
	return run(args[1:], func(o *options, so *spawn.Options) {
		so.Stdin = null
		if so.Stdout == nil {
			so.Stdout, so.Stderr = null, null
		}
		so.Started = func(j *spawn.Jail) error {
			if err := letGo(ready, null, so.Stderr); err != nil {
				return setup.Fail("detach", "", err)
			}
			becomeWatcher(j, o.statusFD)
			return nil
		}
	})
}

// letGo gives the caller's descriptors and directory free, and tells it that
// the payload runs. The caller may have been killed while it waited; then this
// jail is nobody's, and the error ends it.
func letGo(ready int, null, log *os.File) error {
	for fd, f := range []*os.File{null, null, log} {
		if err := unix.Dup2(int(f.Fd()), fd); err != nil {
			return err
		}
	}
	if err := unix.Chdir("/"); err != nil {
		return err
	}
	if _, err := unix.Write(ready, []byte{1}); err != nil {
		return err
	}
	return unix.Close(ready)
}

// becomeWatcher executes the watcher. It returns where there is more to do than to
// wait, or no watcher.
func becomeWatcher(j *spawn.Jail, statusFD int) {
	self, err := os.Executable()
	if err != nil || watcher == "" {
		return
	}
	words, ok := j.Pass()
	if !ok {
		return
	}
	group := "0"
	if j.Group() {
		group = "1"
	}
	if statusFD > 0 {
		_, _ = unix.FcntlInt(uintptr(statusFD), unix.F_SETFD, 0)
	}
	argv := []string{"jailspawn", watchVerb, words[0], words[1], strconv.Itoa(j.Control()), group}
	argv = append(argv, self, finishVerb, strconv.Itoa(statusFD))
	_ = syscall.Exec(self, append(argv, words...), os.Environ())
}

// finish waits for a jail that was passed on, which has ended by now, and
// cleans up.
func finish(args []string) (int, error) {
	if len(args) < 2 {
		return 0, usage("finish is not for people", "jailspawn stop NAME")
	}
	o := new(watchOptions)
	var err error
	if o.statusFD, err = strconv.Atoi(args[0]); err != nil {
		return 0, usage("finish is not for people", "jailspawn stop NAME")
	}
	if o.statusFD > 0 {
		unix.CloseOnExec(o.statusFD)
	}
	j, err := spawn.Take(args[1:])
	if err != nil {
		return 0, err
	}
	return o.end(j)
}
