// Package address confines a jail that shares the host's network to some of its
// addresses, by programs in the kernel that are attached to the jail's cgroup
// (bpf(2), BPF_PROG_TYPE_CGROUP_SOCK_ADDR and its like, Linux 4.17).
//
// It runs on the host and needs CAP_BPF and CAP_NET_ADMIN there. The programs
// belong to the cgroup, not to the process that attached them: they hold until
// the cgroup is removed, whatever happens to jailspawn.
package address
