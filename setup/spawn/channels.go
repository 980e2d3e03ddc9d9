package spawn

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/spawn/named"
)

// channels are the two pipes and the socket between jailspawn and jailinit.
type channels struct {
	plan    [2]int // jailinit reads the plan from the first
	status  [2]int // and writes events to the second
	control [2]int // jailinit has the second
}

func openChannels() (*channels, error) {
	ch := &channels{plan: [2]int{-1, -1}, status: [2]int{-1, -1}}
	err := unix.Pipe2(ch.plan[:], unix.O_CLOEXEC)
	if err == nil {
		err = unix.Pipe2(ch.status[:], unix.O_CLOEXEC)
	}
	if err == nil {
		ch.control, err = unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	}
	if err != nil {
		closeAll(append(ch.plan[:], ch.status[:]...))
		return nil, setup.Fail("pipe", "", err)
	}
	return ch, nil
}

func (ch *channels) closeTheirs() { closeAll([]int{ch.plan[0], ch.status[1], ch.control[1]}) }
func (ch *channels) closeOurs()   { closeAll([]int{ch.plan[1], ch.status[0], ch.control[0]}) }

// descriptors lists what jailinit inherits, by the numbers of the contract.
func descriptors(p *setup.Plan, o *Options, ch *channels, claim *named.Claim) ([]uintptr, error) {
	files := []uintptr{
		fdOf(o.Stdin, 0), fdOf(o.Stdout, 1), fdOf(o.Stderr, 2),
		uintptr(ch.plan[0]), uintptr(ch.status[1]), uintptr(ch.control[1]),
	}
	for _, fd := range p.Process.PassFDs {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil {
			return nil, &setup.Error{
				Step: "descriptor", Target: strconv.Itoa(fd), Errno: unix.EBADF,
				Hint: "--pass-fd names one that is open in jailspawn", Status: setup.StatusMisuse,
			}
		}
		files = append(files, uintptr(fd))
	}
	if claim != nil {
		files = append(files, uintptr(claim.Listen))
	}
	return files, nil
}

func fdOf(f *os.File, standard uintptr) uintptr {
	if f == nil {
		return standard
	}
	return f.Fd()
}
