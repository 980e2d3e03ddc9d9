package check

import (
	"strings"
	"testing"

	"github.com/jailspawn/jailspawn/setup"
)

func TestCheckReportsAll(t *testing.T) {
	p := &setup.Plan{
		Version:  2,
		Share:    []setup.Namespace{"mount", "nett"},
		Hostname: "a b",
		Mounts: []setup.Mount{
			{Type: setup.Bind, Source: "usr", Target: "/usr/"},
			{Type: "tmpf", Target: "/"},
			{Type: setup.Tmpfs, Target: "/x/y", Content: "c"},
			{Type: setup.Tmpfs, Target: "/x"},
		},
		Process: setup.Process{Env: []string{"=x"}, Capabilities: []string{"sys_admi"}, PassFDs: []int{1}},
	}
	err := Plan(p)
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		"version", "mount can't be shared", `unknown namespace "nett"`, "has a blank", `"usr" is relative`,
		"write /usr", "did you mean tmpfs?", "is the root itself", "takes no such option", "would hide /x/y",
		"no command", "not NAME=VALUE", "did you mean sys_admin?", "passed always",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in:\n%v", want, err)
		}
	}
}
