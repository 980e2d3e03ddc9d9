package main

import (
	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/netup"
	"github.com/jailspawn/jailspawn/reap"
	"github.com/jailspawn/jailspawn/setup"
)

// readAll reads a descriptor up to its end, at most what a plan may be long.
func readAll(fd int) ([]byte, error) {
	data := make([]byte, 0, 16<<10)
	for len(data) <= setup.MaxPlan+1024 {
		if len(data) == cap(data) {
			data = append(make([]byte, 0, 2*cap(data)), data...)
		}
		n, err := unix.Read(fd, data[len(data):cap(data)])
		switch {
		case err == unix.EINTR:
		case err != nil:
			return nil, err
		case n == 0:
			return data, unix.Close(fd)
		default:
			var rules []byte
			if rules, data = setup.CutPreface(data[:len(data)+n]); rules != nil {
				netup.Idle(rules)
			}
		}
	}
	return data, nil
}

// receiveMounts waits for the mounts that only jailspawn can make.
func (j *jail) receiveMounts() error {
	want := 0
	if r := &j.plan.Root; r.Prepared {
		want++
		if r.Upper != "" {
			want++
		}
	}
	for i := range j.plan.Mounts {
		if j.plan.Mounts[i].Prepared {
			want++
		}
	}
	for len(j.prepared) < want {
		if err := j.receive(); err != nil {
			return err
		}
	}
	return nil
}

// receive takes one message: a byte for each mount, 1 if it is there and 0 if
// its source is missing and optional, and the descriptors of those there.
func (j *jail) receive() error {
	var message [1 + setup.MaxControlFDs]byte
	oob := make([]byte, unix.CmsgSpace(4*setup.MaxControlFDs))
	n, oobn, err := j.hear(message[:], oob)
	if err != nil {
		return setup.Fail("mounts", "", err)
	}
	if n == 0 || setup.Control(message[0]) != setup.ControlMounts {
		unix.Exit(setup.StatusNotBuilt) // jailspawn gave up, and tells why
	}
	fds, err := descriptors(oob[:oobn])
	if err != nil {
		return setup.Fail("mounts", "", err)
	}
	for _, present := range message[1:n] {
		fd := -1
		if present == 1 {
			if len(fds) == 0 {
				return setup.Fail("mounts", "", unix.EPROTO)
			}
			fd, fds = fds[0], fds[1:]
		}
		j.prepared = append(j.prepared, fd)
	}
	return nil
}

// await waits for a message that is nothing but its kind.
func (j *jail) await(kind setup.Control) error {
	var message [reap.SignalLength]byte
	n, _, err := j.hear(message[:], nil)
	if err != nil {
		return setup.Fail("control", "", err)
	}
	if n == 0 || setup.Control(message[0]) != kind {
		unix.Exit(setup.StatusNotBuilt) // jailspawn gave up, and tells why
	}
	return nil
}

// awaitKept waits once, before the first place is kept.
func (j *jail) awaitKept() error {
	if j.kept {
		return nil
	}
	j.kept = true
	return j.await(setup.ControlKept)
}

// hear takes jailspawn's next message that is no signal. The signals are kept
// for the payload, which does not run yet; message has room for them.
func (j *jail) hear(message, oob []byte) (n, oobn int, err error) {
	for {
		n, oobn, _, _, err := unix.Recvmsg(setup.ControlFD, message, oob, unix.MSG_CMSG_CLOEXEC)
		switch {
		case err == unix.EINTR:
		case err == nil && n == reap.SignalLength && setup.Control(message[0]) == setup.ControlSignal:
			j.early = append(j.early, [reap.SignalLength]byte(message[:n]))
		default:
			return n, oobn, err
		}
	}
}

func descriptors(oob []byte) ([]int, error) {
	if len(oob) == 0 {
		return nil, nil
	}
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, err
	}
	var fds []int
	for i := range messages {
		rights, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			return nil, err
		}
		fds = append(fds, rights...)
	}
	return fds, nil
}

// source returns the next prepared mount, or -1 where jailinit makes its own.
func (j *jail) source(prepared bool) int {
	if !prepared {
		return -1
	}
	fd := j.prepared[0]
	j.prepared = j.prepared[1:]
	return fd
}
