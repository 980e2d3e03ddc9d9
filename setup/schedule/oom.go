package schedule

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// A Score is the OOM score adjustment of this process, which takes a higher one
// for as long as it forks a child that is to have that: when memory is short
// the child then ends before it (proc_pid_oom_score_adj(5)). A nil *Score
// changes nothing.
type Score struct {
	file         int
	own, another string
}

// OpenScore opens it for a child of adjustment want. The result is nil where
// that is none, or not higher than this process's own: to have a lower one, this
// process must have it already, as taking it needs CAP_SYS_RESOURCE. It needs a
// writable proc in view; raising takes no privilege, and so doesn't going back.
func OpenScore(want *int) (*Score, error) {
	if want == nil {
		return nil, nil
	}
	fd, err := unix.Open("/proc/self/oom_score_adj", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, failScore(err)
	}
	var buf [16]byte
	n, err := unix.Read(fd, buf[:])
	own, bad := strconv.Atoi(strings.TrimSpace(string(buf[:max(n, 0)])))
	switch {
	case err == nil && bad != nil:
		err = unix.EPROTO
	case err == nil && own < *want:
		return &Score{fd, strconv.Itoa(own), strconv.Itoa(*want)}, nil
	}
	_ = unix.Close(fd)
	return nil, failScore(err)
}

// Raise takes the child's score.
func (s *Score) Raise() error {
	if s == nil {
		return nil
	}
	_, err := unix.Pwrite(s.file, []byte(s.another), 0)
	return failScore(err)
}

// Restore takes this process's own again.
func (s *Score) Restore() error {
	if s == nil {
		return nil
	}
	_, err := unix.Pwrite(s.file, []byte(s.own), 0)
	return failScore(err)
}

func failScore(err error) error { return setup.Fail("schedule", "oom_score_adj", err) }
