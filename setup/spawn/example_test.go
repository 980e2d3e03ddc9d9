package spawn_test

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/spawn"
)

// A jail with the host's programs and nothing else, whose command gives a
// status.
func ExampleRun() {
	p := setup.NewPlan()
	p.Hostname = "example"
	p.Mounts = []setup.Mount{
		{Type: setup.Bind, Source: "/usr", Target: "/usr", ReadOnly: true},
		{Type: setup.Symlink, Source: "usr/bin", Target: "/bin"},
		{Type: setup.Symlink, Source: "usr/lib", Target: "/lib"},
		{Type: setup.Bind, Source: "/lib64", Target: "/lib64", ReadOnly: true, Optional: true},
		{Type: setup.Proc, Target: "/proc"},
	}
	p.Process.Argv = []string{"/bin/sh", "-c", "cat /proc/sys/kernel/hostname; exit 7"}

	bin := cmp.Or(os.Getenv("JAIL_BIN"), "../../bin")
	status, err := spawn.Run(p, spawn.Options{Init: filepath.Join(bin, "jailinit"), Stdout: os.Stdout})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("status", spawn.ExitStatus(status))
	// Output:
	// example
	// status 7
}
