package spawn

import (
	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/spawn/hostnet"
)

// connect makes the jail's interfaces, while jailinit makes its mounts, and
// tells it.
func (j *Jail) connect(n *setup.Network) (err error) {
	if !n.Prepared() {
		return nil
	}
	j.attachment, err = hostnet.Attach(n, j.pid, j.doors)
	if err != nil {
		return err
	}
	return unix.Sendto(j.control, []byte{byte(setup.ControlNetwork)}, unix.MSG_NOSIGNAL, nil)
}

// doors waits for the descriptors by which jailinit opens its network namespace
// to this process.
func (j *Jail) doors() ([]int, error) {
	what, fds, err := j.receiveOne()
	switch {
	case err != nil:
		return nil, err
	case fds == nil:
		return nil, unix.ECONNRESET
	case what != setup.ControlDoors:
		closeAll(fds)
		return nil, setup.Fail("control", "", unix.EPROTO)
	}
	return fds, nil
}

// disconnect gives back what the jail's network took from the host.
func (j *Jail) disconnect() error { return j.attachment.Close() }

// mayConfigure refuses interfaces to a caller who can't make them, before
// anything is done.
func mayConfigure(n *setup.Network) error {
	if len(n.Interfaces) == 0 && n.Join == "" {
		return nil
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return setup.Fail("network", "", err)
	}
	const need = 1<<unix.CAP_NET_ADMIN | 1<<unix.CAP_SYS_ADMIN
	if data[0].Effective&need == need {
		return nil
	}
	return &setup.Error{
		Step: "network", Detail: "interfaces need CAP_NET_ADMIN and CAP_SYS_ADMIN", Errno: unix.EPERM,
		Hint: "be root, or in a network namespace of your own (unshare -Urn); --net user needs neither",
	}
}

// join takes this thread, which is the one that clones, into the network
// namespace that the plan names; restore takes it back.
func join(n *setup.Network) (restore func() error, err error) {
	if n.Join == "" {
		return func() error { return nil }, nil
	}
	own, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, setup.Fail("network", "/proc/thread-self/ns/net", err)
	}
	other, err := unix.Open(n.Join, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err == nil {
		err = unix.Setns(other, unix.CLONE_NEWNET)
		unix.Close(other)
	}
	if err != nil {
		unix.Close(own)
		e := setup.Fail("network", n.Join, err).(*setup.Error)
		if err == unix.EINVAL {
			e.Detail, e.Hint = "it is no network namespace", "such as /run/netns/NAME or /proc/PID/ns/net"
		}
		return nil, e
	}
	return func() error {
		defer unix.Close(own)
		return setup.Fail("network", "back to the caller's namespace", unix.Setns(own, unix.CLONE_NEWNET))
	}, nil
}
