package tests

import (
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

func init() {
	features["landlock4"] = func() bool { return landlockABI() >= 4 }
	features["postgres"] = func() bool {
		found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
		return err == nil && len(found) == 1
	}
	features["landlock6"] = func() bool { return landlockABI() >= 6 }
}

func landlockABI() int {
	abi, _, errno := syscall.RawSyscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(abi)
}
