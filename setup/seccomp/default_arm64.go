package seccomp

import _ "embed"

const hostArch = "arm64"

// defaultProgram is the default policy without conditions; a test and go
// generate keep it current.
//
//go:embed default.arm64.bpf
var defaultProgram string
