// Package keep holds free the names that a jail may not take in directories of
// the host that it can write to. It runs in jailspawn, with the caller's rights.
//
// The kernel can protect what exists and nothing else. So an empty directory
// without write permission stands in each missing place as long as a jail needs
// it there, and jailinit covers it; where the directory around it is missing as
// well, that is made, as anybody could use it. Several jails may need the same:
// each holds a shared lock on it (flock(2)), and who gets the exclusive one
// removes it. What a killed jailspawn left is found by a note in the runtime
// directory and removed by [Sweep].
package keep
