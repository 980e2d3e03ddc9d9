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
