package jailfile

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var testSchema = Schema{
	"files": {{Name: "here", Bool: true}, {Name: "ro", List: true}, {Name: "mount", List: true}, {Name: "root"}},
	"names": {{Name: "hostname"}, {Name: "env", List: true}},
}

func loader(files map[string]string) *Loader {
	return &Loader{
		Schema: testSchema,
		Read: func(name string) ([]byte, error) {
			text, ok := files[name]
			if !ok {
				return nil, fs.ErrNotExist
			}
			return []byte(text), nil
		},
		Presets: map[string][]byte{"build": []byte("[files]\nhere = true\n")},
		Env: func(name string) (string, bool) {
			return "/home/me", name == "HOME"
		},
		Vars: map[string]string{"given": "line"},
	}
}

// flags writes a jail as the flags that it stands for.
func flags(j *Jail) []string {
	var all []string
	for _, s := range j.Settings {
		all = append(all, s.Flag+"="+s.Value)
	}
	return all
}

func TestFileBecomesFlags(t *testing.T) {
	files := map[string]string{
		"/d/web.jail.toml": `
extends = ["build", "base.toml"]
include = "more.toml"
command = 'run "two words" ${given} ${@} $${x} $y'
depends = ["db"]
names.hostname = "${name}"

[vars]
where = "${dir}/data"

[files]
ro = ["${HOME}", "a b"]
mount = [{type = "tmpfs", target = "/x", ro = true, dev = false, size = 4}]

[[files.mount]]
target = "/y"
noexec = true

[names.env]
A = "1"
B = 0x10

[[names]]
hostname = "first"
[[names]]
hostname = "second"
`,
		"/d/base.toml": "[files]\nro = \"${where}\"\nroot = \"${nothing:-/r}\"\n[vars]\nwhere = \"unused\"\n",
		"/d/more.toml": "command = \"unused\"\nfiles = {here = false}\n",
	}
	j, err := loader(files).Load([]Source{{Name: "/d/web.jail.toml"}})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"here=true", "ro=/d/data", "root=/r", "here=false",
		"hostname=web", "ro=/home/me", "ro=a b", "mount=type=tmpfs,target=/x,ro,size=4", "mount=target=/y,noexec",
		"env=A=1", "env=B=16", "hostname=first", "hostname=second",
	}
	if diff := cmp.Diff(want, flags(j)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"run", "two words", "line", "x", "y", "${x}", "$y"}, j.Words([]string{"x", "y"})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"db"}, j.Depends); diff != "" {
		t.Error(diff)
	}
}

func TestWordsOfTheLineReplaceTheCommand(t *testing.T) {
	j := &Jail{Command: []string{"a", "b"}}
	if got := strings.Join(j.Words(nil), " "); got != "a b" {
		t.Error(got)
	}
	if got := strings.Join(j.Words([]string{"c"}), " "); got != "c" {
		t.Error(got)
	}
}

func TestCycles(t *testing.T) {
	files := map[string]string{"/a.toml": "extends = \"b.toml\"\n", "/b.toml": "\ninclude = [\"./a.toml\"]\n"}
	_, err := loader(files).Load([]Source{{Name: "/a.toml"}})
	if err == nil || !strings.Contains(err.Error(), "/b.toml line 2 column 1: /a.toml includes itself") {
		t.Error(err)
	}
	files = map[string]string{"/a.toml": "[vars]\na = \"${b}\"\nb = \"${a}\"\n[files]\nro = \"${a}\"\n"}
	_, err = loader(files).Load([]Source{{Name: "/a.toml"}})
	if err == nil || !strings.Contains(err.Error(), "refers to itself") {
		t.Error(err)
	}
	_, err = loader(nil).Load([]Source{{Name: "/none.toml"}})
	if !errors.Is(err, fs.ErrNotExist) && err == nil {
		t.Error(err)
	}
}

// FuzzFile feeds any text: no panic, and what is refused is refused with a
// reason.
func FuzzFile(f *testing.F) {
	f.Add("extends = \"build\"\ncommand = 'a \"b c\"'\n[files]\nro = [\"/x\"]\n[[files.mount]]\ntype = \"tmpfs\"\n[names.env]\nA = 1\n")
	f.Add("[vars]\na = \"${b:-c}\"\n[names]\nhostname = \"${a}\"\nenv = {A = 1.5}\n")
	f.Add("files = {here = true}\n[[files]]\n[files.ro.x.y]\n")
	f.Fuzz(func(t *testing.T, text string) {
		j, err := loader(map[string]string{"/f.toml": text}).Load([]Source{{Name: "/f.toml"}})
		if err != nil && err.Error() == "" || err == nil && j == nil {
			t.Fatal("neither a jail nor a reason")
		}
	})
}
