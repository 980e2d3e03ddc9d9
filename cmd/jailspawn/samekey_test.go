package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

// flagExamples are values for flags whose help shows no value that works as it
// stands. Others are made from the help line: a choice, or a word for N, NAME,
// PATH and the like.
var flagExamples = map[string]string{
	"mount":   "type=tmpfs,target=/x,size=4M",
	"symlink": "text:/x/link",
	"env":     "A=b c",
	"pass-fd": "7",
	"cap-add": "chown",
	"share":   "uts",
	"seccomp": "none",

	"ro-fd": "0:/x/null", "rw-fd": "0:/x/null", "file-fd": "0:/x/null", "file": "/x/file=content", "keep-file": "/x/file=content",
	"user": "3:7", "groups": "7,8", "map": "0:7:1", "umask": "077", "caps": "seed", "securebits": "noroot",
	"selinux-label": "u:r:t:s0", "apparmor-profile": "p", "mount-context": "u:r:t:s0",
	"rlimit": "nofile=77", "sched": "fifo:7", "ionice": "idle", "cpu-affinity": "0-3",
	"proc-subset": "pid", "propagation": "slave",
	"io":  "8:0,rbps=1M",
	"net": "veth", "ip": "10.0.0.2/24", "gateway": "10.0.0.1", "route": "10.1.0.0/16", "ifname": "net0",
	"mac": "02:00:00:00:00:01", "mtu": "1400", "publish": "8080:80", "allow": "192.0.2.1", "deny": "192.0.2.1",
	"accept": ":80", "dns": "192.0.2.1", "hosts": "a=192.0.2.1", "sysctl": "net.ipv4.ip_default_ttl=9",
	"signal-map": "TERM:INT", "tty": "never", "tcp-bind": "7", "tcp-connect": "7",
}

var placeholders = map[string]string{
	"N": "7", "NAME": "name", "PATH": "/srv", "DEST": "/x/dest", "DIR": "/srv", "FILE": "/srv/file",
	"NAME=VALUE": "name=value", "N,...": "7", "LINE": "echo x", "TIME": "7s", "SIZE": "7M", "PORT": "7",
}

// TestEveryFlagHasAKey sets each flag of run on a command line and in a file,
// and wants the same plan.
func TestEveryFlagHasAKey(t *testing.T) {
	set := new(options).flags("run")
	sections, err := schema(set)
	if err != nil {
		t.Fatal(err)
	}
	home := map[string]string{}
	for section, flags := range sections {
		for _, f := range flags {
			home[f.Name] = section
		}
	}
	lines, err := helpFlags("run")
	if err != nil {
		t.Fatal(err)
	}
	noKey := map[string]bool{"jail-file": true, "preset": true, "var": true, "plan": true}
	for _, line := range lines {
		if noKey[line.name] || watchFlag[line.name] {
			continue
		}
		f := set.Lookup(line.name)
		if home[line.name] == "" || f == nil {
			t.Errorf("--%s has no key in a jail file: its help stands in no section", line.name)
			continue
		}
		t.Run(line.name, func(t *testing.T) { sameKey(t, home[line.name], f, line) })
	}
}

func sameKey(t *testing.T, section string, f *pflag.Flag, line helpLine) {
	value, ok := flagExamples[f.Name]
	if choices := line.choices(); !ok && choices != nil {
		value, ok = choices[0], true
	}
	if !ok {
		word, _, _ := strings.Cut(line.value, "[")
		value, ok = placeholders[word]
	}
	key, args := section+"."+f.Name+" = ", []string{"--" + f.Name + "=" + value}
	switch {
	case f.Value.Type() == "bool":
		key, args = key+"true", []string{"--" + f.Name}
	case !ok:
		t.Fatalf("add a value for --%s to flagExamples", f.Name)
	case single[f.Value.Type()]:
		key += `"` + value + `"`
	default:
		key += `["` + value + `"]`
	}
	file := filepath.Join(t.TempDir(), "x.jail.toml")
	if err := os.WriteFile(file, []byte(key+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	bare := planText(t, nil)
	byFlag, byFile := planText(t, args), planText(t, []string{"-f", file})
	if diff := cmp.Diff(byFlag, byFile); diff != "" {
		t.Errorf("%v and %q differ:\n%s", args, key, diff)
	}
	if byFlag == bare && !sameAsDefault[f.Name] {
		t.Errorf("%v changes nothing in the plan: add a telling value to flagExamples", args)
	}
}

// sameAsDefault are flags that change no plan by themselves.
var sameAsDefault = map[string]bool{"map": true, "env-all": true, "proc": true, "dev": true, "cap-drop": true, "map-auto": true}

// planText is the plan of some arguments, or what is wrong with them.
func planText(t *testing.T, args []string) string {
	o := new(options)
	command, _, err := o.parse("run", append(args, "--", "true"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := o.build(command)
	if err != nil {
		return err.Error()
	}
	return string(planJSON(t, p))
}

func planJSON(t *testing.T, p any) []byte {
	data, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return data
}
