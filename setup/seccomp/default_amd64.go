package seccomp

import _ "embed"

const hostArch = "amd64"

// defaultProgram is the default policy without conditions; a test and go
// generate keep it current.
//
//go:embed default.amd64.bpf
var defaultProgram string
