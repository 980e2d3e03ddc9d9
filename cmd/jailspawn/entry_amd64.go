package main

// entry is where this program starts on amd64, if the linker was told so; see
// entry_amd64.s.
//
//lint:ignore U1000 the linker refers to it
func entry()

// watch is the watcher beside a detached jail; see watch_amd64.s.
//
//lint:ignore U1000 entry goes to it
func watch()
