// Package cgroup gives a jail a cgroup of its own (cgroups(7)): it finds where
// the caller may make one, sets its limits, reads what was used and removes it.
//
// It runs on the host, in jailspawn, with the caller's rights: root's, or those
// of an ordinary user to whom a part of the version 2 hierarchy was delegated.
// Nothing of it is visible inside the jail but its own root in /proc/PID/cgroup.
package cgroup
