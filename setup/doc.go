// Package setup is the contract between the two halves of a jail.
//
// jailspawn, on the host, fills in a [Plan], has it checked whole (setup/check) and
// sends it down a pipe ([Encode]); jailinit, process 1 of the jail, reads it
// ([Decode]) and carries it out, reporting each [Event] through a second pipe.
// What goes wrong on either side is an [Error].
//
// The package is plain data and pure functions. It makes no system call, needs
// no privilege and runs in both halves; what it knows of the kernel are names
// and limits.
package setup
