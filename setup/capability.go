package setup

import "strings"

// capabilityNames holds the names of capabilities(7) at their numbers, up to
// Linux 6.18.
var capabilityNames = [...]string{
	"chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill",
	"setgid", "setuid", "setpcap", "linux_immutable", "net_bind_service",
	"net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner",
	"sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct",
	"sys_admin", "sys_boot", "sys_nice", "sys_resource", "sys_time",
	"sys_tty_config", "mknod", "lease", "audit_write", "audit_control",
	"setfcap", "mac_override", "mac_admin", "syslog", "wake_alarm",
	"block_suspend", "audit_read", "perfmon", "bpf", "checkpoint_restore",
}

// CapabilityCount is how many capabilities this build knows.
const CapabilityCount = len(capabilityNames)

// CapabilityNames returns all names that a plan may use, without "cap_".
func CapabilityNames() []string { return capabilityNames[:] }

// CapabilityName brings a name as people write it (CAP_NET_RAW, net_raw) into
// the plan's form.
func CapabilityName(s string) string {
	return strings.TrimPrefix(strings.ToLower(s), "cap_")
}

// CapabilityMask returns the bit set of names; ok is false if one is unknown.
func CapabilityMask(names []string) (mask uint64, ok bool) {
	ok = true
	for _, name := range names {
		bit := CapabilityNumber(name)
		if bit < 0 {
			ok = false
			continue
		}
		mask |= 1 << bit
	}
	return mask, ok
}

// CapabilityNumber returns the kernel's number of a capability, or -1.
func CapabilityNumber(name string) int {
	for i, n := range capabilityNames {
		if n == name {
			return i
		}
	}
	return -1
}

// CapabilitySets are sets of capabilities that have a name.
//
// "default" is what a Debian tree needs to install packages and run services:
// Docker's fourteen without mknod (nodes don't work in a jail), net_raw
// (forged packets) and audit_write (the host's log). All of it is in
// Linux-VServer's safe set too, but for setpcap. "seed" is all but what the
// policy of the 2005 "jail functionality" RFC denies.
func CapabilitySets() map[string][]string {
	sets := map[string][]string{
		"none": {},
		"default": {
			"chown", "dac_override", "fowner", "fsetid", "kill", "setgid", "setuid",
			"setpcap", "net_bind_service", "sys_chroot", "setfcap",
		},
		"all": CapabilityNames(),
	}
	for _, name := range CapabilityNames() {
		switch name {
		case "sys_module", "sys_resource", "sys_time", "mknod", "net_admin":
		default:
			sets["seed"] = append(sets["seed"], name)
		}
	}
	return sets
}

// securebits are the SECBIT_* of capabilities(7) that a plan may set; the bit
// above each locks it. SECBIT_KEEP_CAPS is none of them: it gives nothing to
// who has nothing, and ping(8) insists on setting it.
var securebits = []struct {
	name string
	bit  uint32
}{{"noroot", 1 << 0}, {"no_setuid_fixup", 1 << 2}, {"no_cap_ambient_raise", 1 << 6}}

// SecurebitNames returns the names that a plan may use.
func SecurebitNames() []string {
	names := make([]string, len(securebits))
	for i, s := range securebits {
		names[i] = s.name
	}
	return names
}

// SecurebitMask returns the bits to set for names, with their locks; ok is
// false if one is unknown. No name gives 0.
func SecurebitMask(names []string) (mask uint32, ok bool) {
	ok = true
	for _, name := range names {
		known := false
		for _, s := range securebits {
			if s.name == name {
				mask |= s.bit | s.bit<<1
				known = true
			}
		}
		ok = ok && known
	}
	return mask, ok
}
