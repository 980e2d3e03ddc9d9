package confine

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// Bounding drops all capabilities but those in keep from the bounding set, and
// all from the ambient one (capabilities(7)). It needs CAP_SETPCAP.
func Bounding(keep uint64) error {
	if err := prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0); err != nil {
		return setup.Fail("capabilities", "ambient", err)
	}
	for c := uintptr(0); c < 64; c++ {
		if keep&(1<<c) != 0 {
			continue
		}
		err := prctl(unix.PR_CAPBSET_DROP, c, 0)
		if err == unix.EINVAL {
			return nil // the kernel's last capability is behind us
		}
		if err != nil {
			return setup.Fail("capabilities", "bounding", err)
		}
	}
	return nil
}

// Capabilities leaves exactly what r keeps in the permitted, effective,
// inheritable and ambient sets, so that the payload has it whatever its uid is,
// and locks the securebits (prctl(2), PR_SET_SECUREBITS). Where set-user-ID
// files count, CAP_SYS_ADMIN stays until [Settle].
func Capabilities(p *setup.Process, r Rights) error {
	own := r.Keep
	if r.Securebits != 0 {
		own |= 1 << unix.CAP_SETPCAP
	}
	if p.AllowSetuid {
		own |= 1 << unix.CAP_SYS_ADMIN
	}
	if err := setSets(own, r.Keep); err != nil {
		return lacking(own, err)
	}
	for c := uintptr(0); c < 64; c++ {
		if r.Keep&(1<<c) == 0 {
			continue
		}
		if err := prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, c); err != nil {
			return setup.Fail("capabilities", "ambient", err)
		}
	}
	if r.Securebits != 0 {
		if err := prctl(unix.PR_SET_SECUREBITS, uintptr(r.Securebits), 0); err != nil {
			return setup.Fail("capabilities", "securebits", err)
		}
	}
	if own == r.Keep || p.AllowSetuid {
		return nil
	}
	return setup.Fail("capabilities", "", setSets(r.Keep, r.Keep))
}

// Settle comes when the seccomp filter is loaded: without no_new_privs that
// took CAP_SYS_ADMIN, which goes now.
func Settle(p *setup.Process, ids *setup.IDs, r Rights) error {
	if !p.AllowSetuid {
		return nil
	}
	if err := setSets(r.Keep, r.Keep); err != nil {
		return setup.Fail("capabilities", "", err)
	}
	return Verify(p, ids, r)
}

// setSets sets the effective and permitted sets, and the inheritable one.
func setSets(permitted, inheritable uint64) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	data := [2]unix.CapUserData{
		{Effective: uint32(permitted), Permitted: uint32(permitted), Inheritable: uint32(inheritable)},
		{Effective: uint32(permitted >> 32), Permitted: uint32(permitted >> 32), Inheritable: uint32(inheritable >> 32)},
	}
	return unix.Capset(&header, &data[0])
}

// getSets returns the effective, permitted and inheritable sets.
func getSets() (effective, permitted, inheritable uint64, err error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var d [2]unix.CapUserData
	err = unix.Capget(&header, &d[0])
	return uint64(d[1].Effective)<<32 | uint64(d[0].Effective),
		uint64(d[1].Permitted)<<32 | uint64(d[0].Permitted),
		uint64(d[1].Inheritable)<<32 | uint64(d[0].Inheritable), err
}

// lacking names the capabilities that jailinit itself doesn't have, as without
// a user namespace it has no more than the caller.
func lacking(keep uint64, cause error) error {
	e := setup.Fail("capabilities", "", cause).(*setup.Error)
	_, permitted, _, err := getSets()
	if err != nil {
		return e
	}
	var names []string
	for i, name := range setup.CapabilityNames() {
		if (keep&^permitted)&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	if e.Target = strings.Join(names, ","); e.Target != "" {
		e.Hint = "neither the caller nor, if it is old, the kernel has them: leave them out with --cap-drop"
	}
	return e
}
