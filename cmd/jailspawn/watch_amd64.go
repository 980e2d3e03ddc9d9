package main

// entry is where this program starts on amd64, if the linker was told so; see
// watch_amd64.s.
//
//lint:ignore U1000 the linker refers to it
func entry()
