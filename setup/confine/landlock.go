package confine

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// Landlock puts the calling thread, and what it will start, behind the plan's
// rules (landlock(7), Linux 5.13). Every call of it is per thread. It needs
// no_new_privs or CAP_SYS_ADMIN, and paths are looked up as the payload.
func Landlock(l *setup.Landlock) error {
	if l.Rules.Empty() {
		return nil
	}
	ruleset, err := createRuleset(&l.Rules)
	if err != nil {
		return landlockError("", err)
	}
	defer unix.Close(ruleset)
	for _, place := range l.Rules.Writable {
		if err := allowWrites(ruleset, place, l.Rules.FS); err != nil {
			return landlockError(place, err)
		}
	}
	for _, p := range []struct {
		access uint64
		ports  *setup.Ports
	}{{setup.LandlockBindTCP, l.TCPBind}, {setup.LandlockConnectTCP, l.TCPConnect}} {
		if p.ports == nil || l.Rules.Net&p.access == 0 {
			continue
		}
		for _, port := range p.ports.Ports {
			if err := allowPort(ruleset, port, p.access); err != nil {
				return landlockError("", err)
			}
		}
	}
	_, _, errno := unix.RawSyscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(ruleset), 0, 0)
	return landlockError("", orNil(errno))
}

func landlockError(target string, err error) error {
	return setup.Fail("landlock", target, err)
}

// createRuleset makes a ruleset that forbids all that the rules name
// (landlock_create_ruleset(2)).
func createRuleset(r *setup.LandlockRules) (int, error) {
	attr := unix.LandlockRulesetAttr{Handled_access_fs: r.FS, Handled_access_net: r.Net, Scoped: r.Scope}
	size := unsafe.Offsetof(attr.Scoped) + unsafe.Sizeof(attr.Scoped) // newer fields aren't ours
	fd, _, errno := unix.RawSyscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), size, 0)
	return int(fd), orNil(errno)
}

// allowWrites adds a place below which all of access is allowed
// (landlock_add_rule(2)). A place that isn't there, or that the payload can't
// reach, needs no rule: the wall stands before it.
func allowWrites(ruleset int, place string, access uint64) error {
	fd, err := unix.Open(place, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err == unix.ENOENT || err == unix.EACCES {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		access &= setup.LandlockWritesToFile
	}
	attr := unix.LandlockPathBeneathAttr{Allowed_access: access, Parent_fd: int32(fd)}
	return addRule(ruleset, unix.LANDLOCK_RULE_PATH_BENEATH, unsafe.Pointer(&attr))
}

// netPort is struct landlock_net_port_attr.
type netPort struct{ access, port uint64 }

// ruleNetPort is LANDLOCK_RULE_NET_PORT (Linux 6.7).
const ruleNetPort = 2

func allowPort(ruleset int, port uint16, access uint64) error {
	return addRule(ruleset, ruleNetPort, unsafe.Pointer(&netPort{access, uint64(port)}))
}

func addRule(ruleset int, kind uintptr, attr unsafe.Pointer) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(ruleset), kind, uintptr(attr), 0, 0, 0)
	return orNil(errno)
}
