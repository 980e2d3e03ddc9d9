// Package early starts a jailinit before the Go runtime of jailspawn, so that
// the one starts beside the other instead of after it.
//
// What it starts is process 1 of the usual jail: in all namespaces, with the
// caller's standard descriptors, waiting for its plan. It knows nothing of the
// plan and may do nothing; [spawn] takes it if it suits, and ends it if not.
// Only amd64 has it, and only a program whose entry (the linker's flag -E)
// calls start.
package early

import (
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Flags are the namespaces that it is started in.
const Flags = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET

// Env is the environment of jailinit: one processor is all it has work for, and
// every further one costs the Go runtime threads and memory.
const Env = "GOMAXPROCS=1"

// A jail of root's gets one of the 65,536-id ranges that systemd reserves for
// containers (systemd.io/UIDS-GIDS): the one with the number of the process id
// modulo RangeCount, or the next that is free.
const (
	RangeFirst = 0x00080000
	RangeSize  = 0x00010000
	RangeCount = (0x6FFF0000-RangeFirst)/RangeSize + 1
)

// An Init is the started jailinit.
type Init struct {
	pid                   int32
	plan, status, control [2]int32 // as setup/spawn opens them: pipes and a socket

	base uint32

	borrows int32 // not 0 as long as it runs the program of this process
	failed  int32 // 1 if it could not execute jailinit

	helper int32 // not 0 as long as the process runs that clones it
	reap   int32 // the process id of that one, until it was waited for

	prefaced bool // hooks were taken into use
}

// started is filled in by start and its helper. It is of use once.
var started Init

// Started returns the jailinit that was started with this program, or nil. The
// first call waits until that is known.
func Started() *Init {
	if i := &started; i.reap != 0 {
		await(&i.helper)
		wait(int(i.reap))
		i.reap = 0
		if i.pid == 0 {
			i.close()
		}
	}
	if started.pid == 0 {
		return nil
	}
	return &started
}

// await returns when the kernel has cleared a word.
func await(word *int32) {
	for {
		value := atomic.LoadInt32(word)
		if value == 0 {
			return
		}
		_, _, _ = unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), 0, uintptr(value), 0, 0, 0) // FUTEX_WAIT
	}
}

// wait takes a child's status.
func wait(pid int) {
	for {
		if _, err := unix.Wait4(pid, nil, 0, nil); err != unix.EINTR {
			return
		}
	}
}

// PID is its process id.
func (i *Init) PID() int { return int(i.pid) }

// Base is the first id of the range that a jail of root's gets: the uid and gid
// that it has on the host. It is 0 where it has those of the caller.
func (i *Init) Base() uint32 { return i.base }

// Runs waits until it runs jailinit, and reports whether it does.
func (i *Init) Runs() bool {
	await(&i.borrows)
	return atomic.LoadInt32(&i.failed) == 0
}

// Take gives it away: the caller has the process and the three descriptors from
// now on, which are those of the plan, of the status and of control.
func (i *Init) Take() (plan, status, control int) {
	i.pid = 0
	return int(i.plan[1]), int(i.status[0]), int(i.control[0])
}

// Drop ends it, and returns when it is gone. It is nothing on nil and when it
// was taken.
func (i *Init) Drop() {
	if i == nil || i.pid == 0 {
		return
	}
	_ = unix.Kill(i.PID(), unix.SIGKILL)
	wait(i.PID())
	i.close()
}

// close is for one that is not there, or no more.
func (i *Init) close() {
	plan, status, control := i.Take()
	for _, fd := range []int{plan, status, control} {
		_ = unix.Close(fd)
	}
}
