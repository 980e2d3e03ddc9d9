package seccomp

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDocker(t *testing.T) {
	for _, c := range []struct {
		name, syscalls string
		want           []string // behind the two lines about all other calls
		err            string
	}{
		{"plain", `{"names":["read","write"],"action":"SCMP_ACT_ALLOW"}`, []string{"allow read write"}, ""},
		{"old form", `{"name":"read","action":"SCMP_ACT_ALLOW"}`, []string{"allow read"}, ""},
		{"as the default", `{"names":["read"],"action":"SCMP_ACT_ERRNO"}`, nil, ""},
		{"own errno", `{"names":["clone3"],"action":"SCMP_ACT_ERRNO","errnoRet":38}`, []string{"deny ENOSYS clone3"}, ""},
		{"other machine", `{"names":["read"],"action":"SCMP_ACT_ALLOW","includes":{"arches":["s390x"]}}`, nil, ""},
		{"not this machine", `{"names":["read"],"action":"SCMP_ACT_ALLOW","excludes":{"arches":["amd64","arm64"]}}`, nil, ""},
		{"capabilities", `{"names":["bpf"],"action":"SCMP_ACT_ALLOW","includes":{"caps":["CAP_BPF","CAP_SYS_ADMIN"]},"excludes":{"caps":["CAP_CHOWN"]}}`, []string{"allow bpf when bpf sys_admin unless chown"}, ""},
		{"kernel we have", `{"names":["ptrace"],"action":"SCMP_ACT_ALLOW","includes":{"minKernel":"4.8"}}`, []string{"allow ptrace"}, ""},
		{"kernel we may lack", `{"names":["ptrace"],"action":"SCMP_ACT_ALLOW","includes":{"minKernel":"6.1"}}`, nil, ""},
		{"unknown call", `{"names":["read","riscv_flush_icache"],"action":"SCMP_ACT_ALLOW"}`, []string{"allow read"}, ""},
		{"unknown call, denied", `{"names":["swapcontext"],"action":"SCMP_ACT_ERRNO","errnoRet":1}`, nil, ""},
		{
			"tests stand last", `{"names":["socket"],"action":"SCMP_ACT_ERRNO","errnoRet":22,"args":[{"index":0,"value":16,"op":"SCMP_CMP_EQ"},{"index":2,"value":9,"op":"SCMP_CMP_EQ"}]},{"names":["socket"],"action":"SCMP_ACT_ALLOW"}`,
			[]string{"allow socket", "deny EINVAL socket if arg0 == 0x10 and arg2 == 0x9"},
			"",
		},
		{
			"masked", `{"names":["clone"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":2114060288,"valueTwo":0,"op":"SCMP_CMP_MASKED_EQ"}]}`,
			[]string{"allow clone if arg0 & 0x7e020000 == 0x0"},
			"",
		},
		{"notify", `{"names":["read"],"action":"SCMP_ACT_NOTIFY"}`, nil, "SCMP_ACT_NOTIFY is not supported"},
		{"action", `{"names":["read"],"action":"SCMP_ACT_ALOW"}`, nil, "did you mean SCMP_ACT_ALLOW?"},
		{"argument", `{"names":["read"],"action":"SCMP_ACT_ALLOW","args":[{"index":6,"op":"SCMP_CMP_EQ"}]}`, nil, "no argument 6"},
		{"operator", `{"names":["read"],"action":"SCMP_ACT_ALLOW","args":[{"index":1,"op":"EQ"}]}`, nil, `unknown operator "EQ"`},
		{"field", `{"nams":["read"],"action":"SCMP_ACT_ALLOW"}`, nil, `unknown field "nams"`},
	} {
		lines, err := Docker([]byte(`{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":1,"syscalls":[` + c.syscalls + `]}`))
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %v, want %s", c.name, err, c.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		want := append([]string{"otherwise deny EPERM", "unknown deny ENOSYS"}, c.want...)
		if d := cmp.Diff(want, lines); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
		if _, err := Parse(lines); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// FuzzParse looks for policies that are accepted and give a program that the
// kernel would not take.
func FuzzParse(f *testing.F) {
	f.Add("include default")
	f.Add("otherwise deny EPERM\nallow @file-system if arg0 & 7 == 3 and arg1.low >= 4 when sys_admin")
	f.Add("otherwise kill\nunknown log\ndeny 4095 read unless userns")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse(strings.Split(text, "\n"))
		if err != nil {
			return
		}
		for _, goarch := range []string{"amd64", "arm64"} {
			program, err := p.Assemble(goarch, &Conditions{})
			if err != nil {
				continue
			}
			for _, a := range machine(goarch) {
				for number := range 500 {
					ask(t, program, a.audit, number, 1, 2, 3, 4, 5, 6)
				}
			}
		}
	})
}
