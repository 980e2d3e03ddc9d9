package reap

import (
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Children are the processes beside the payload whose end somebody waits for:
// those that were started in a running jail. A nil *Children has none.
type Children struct {
	mu    sync.Mutex
	ended map[int]chan unix.WaitStatus
}

// Start forks a child, whose pid fork returns, and tells its wait status by the
// channel. No child is reaped in between, so that none ends unseen.
func (c *Children) Start(fork func() (int, error)) (pid int, ended <-chan unix.WaitStatus, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if pid, err = fork(); err != nil {
		return 0, nil, err
	}
	if c.ended == nil {
		c.ended = map[int]chan unix.WaitStatus{}
	}
	end := make(chan unix.WaitStatus, 1)
	c.ended[pid] = end
	return pid, end, nil
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
	if end, known := c.ended[pid]; known && !status.Stopped() {
		end <- status
		delete(c.ended, pid)
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
