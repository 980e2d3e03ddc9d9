// Package mounts makes the file system view of a jail. It runs in jailinit,
// inside the new mount and user namespace and with CAP_SYS_ADMIN there, before
// the payload exists.
//
// A [Tree] is the view under construction. It is addressed by the descriptor
// of its root alone: sources are looked up in the old view, targets inside the
// new one (openat2(2) with RESOLVE_IN_ROOT, Linux 5.6), so no symbolic link,
// however placed or swapped, leads a mount out. [Tree.Pivot] makes the tree
// the only file system there is.
//
// It decides nothing: what is mounted, and what is left out, stands in the
// plan.
package mounts
