package reap

import (
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Children are the processes beside the payload whose end somebody waits for:
// those that were started in a running jail. A nil *Children has none.
type Children struct {
	starting sync.Mutex // held while one is started

	mu    sync.Mutex
	ended map[int]chan unix.WaitStatus
	early map[int]unix.WaitStatus // nil but while one is started: what ended meanwhile, and may be it
}

// Start forks a child, whose pid fork returns, and tells its wait status by the
// channel. fork may take as long as others in the jail like, who can stop the
// child before it executes its program: so children are reaped in between.
func (c *Children) Start(fork func() (int, error)) (pid int, ended <-chan unix.WaitStatus, err error) {
	c.starting.Lock()
	defer c.starting.Unlock()
	c.setEarly(map[int]unix.WaitStatus{})
	defer c.setEarly(nil)
	if pid, err = fork(); err != nil {
		return 0, nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	end := make(chan unix.WaitStatus, 1)
	if status, over := c.early[pid]; over {
		end <- status
		return pid, end, nil
	}
	if c.ended == nil {
		c.ended = map[int]chan unix.WaitStatus{}
	}
	c.ended[pid] = end
	return pid, end, nil
}

func (c *Children) setEarly(early map[int]unix.WaitStatus) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.early = early
}

// Signal sends a signal to a child, or to its process group if it leads one,
// unless the child was reaped: then the number may be another's.
func (c *Children) Signal(pid int, sig unix.Signal, group bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, running := c.ended[pid]; !running {
		return
	}
	if group {
		pid = -pid
	}
	_ = unix.Kill(pid, sig)
}

// next waits for a child to end or to be stopped, and reaps it if it ended. With
// WNOHANG it doesn't wait; 0 is then that none has.
func (c *Children) next(options int) (pid int, status unix.WaitStatus, err error) {
	if c == nil {
		pid, err = unix.Wait4(-1, &status, options|unix.WUNTRACED, nil)
		return pid, status, err
	}
	if options&unix.WNOHANG == 0 {
		if err := peek(); err != nil {
			return 0, 0, err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	pid, err = unix.Wait4(-1, &status, unix.WNOHANG|unix.WUNTRACED, nil)
	if pid <= 0 || status.Stopped() {
		return pid, status, err
	}
	if end, known := c.ended[pid]; known {
		end <- status
		delete(c.ended, pid)
	} else if c.early != nil {
		c.early[pid] = status
	}
	return pid, status, err
}

// peek waits until there is a child to wait for and leaves it so (WNOWAIT of
// waitid(2)), which is then done under the lock: between a wait that reaps and
// the look at the list, the pid could be given to a new child.
func peek() error {
	const events = unix.WEXITED | unix.WSTOPPED | unix.WNOWAIT
	var info [128]byte
	_, _, errno := unix.Syscall6(unix.SYS_WAITID, unix.P_ALL, 0, uintptr(unsafe.Pointer(&info)), events, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
