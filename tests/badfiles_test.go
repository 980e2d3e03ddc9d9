package tests

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// badFiles are mistakes that people make, each with what has to be said of it.
// All have a command that would be seen to run.
var badFiles = []struct{ text, want string }{
	// The syntax.
	{`[files`, `line 2 column`},
	{`[files]]`, `line 2 column 8`},
	{`files = `, `line 2 column`},
	{`= 3`, `line 2 column 1`},
	{`[names]` + "\n" + `hostname = "x`, `line 3 column`},
	{`[names]` + "\n" + `hostname = x`, `line 3 column 12`},
	{`[names]` + "\n" + `hostname "x"`, `line 3 column`},
	{`[names]` + "\n" + `hostname = 'x`, `line 3 column`},
	{`[names]` + "\n" + `hostname = "\q"`, `line 3 column`},
	{`[files]` + "\n" + `ro = ["/a" "/b"]`, `line 3 column`},
	{`[files]` + "\n" + `ro = ["/a",`, `line 3 column`},
	{`[files]` + "\n" + `here = True`, `line 3 column 8`},
	{`[files]` + "\n" + `here = yes`, `line 3 column 8`},
	{`[files]` + "\n" + `here = true true`, `line 3 column`},
	{"[names]\nhostname = \"a\x01b\"", `line 3 column`},
	{"[names]\nhostname = \"a\xffb\"", `line 3 column`},
	{`[identity]` + "\n" + `uid = 0123`, `line 3 column`},
	{`[identity]` + "\n" + `uid = 99999999999999999999`, `line 3 column 1: identity.uid: .*whole number`},
	// Names.
	{`here = true`, `line 2 column 1: here: unknown section or key \(hint: here goes under \[files\]\)`},
	{`[file]` + "\n" + `here = true`, `line 2 column 2: file: .*\[files\]`},
	{`[Files]`, `line 2 column 2: Files: .*did you mean files`},
	{`[files]` + "\n" + `heer = true`, `line 3 column 1: files.heer: unknown key \(hint: did you mean here`},
	{`[files]` + "\n" + `hostname = "x"`, `line 3 column 1: .*hostname goes under \[names\]`},
	{`[files]` + "\n" + `command = "x"`, `line 3 column 1: .*command goes above the first section`},
	{`[files]` + "\n" + `--here = true`, `line 3 column 1`},
	{`[files]` + "\n" + `zzzzzzzz = true`, `line 3 column 1: .*known in \[files\] are`},
	{`extend = "build"`, `line 2 column 1: .*did you mean extends`},
	{`[files.here.now]` + "\n" + `x = 1`, `line 2 column 2`},
	{`[nonsense.deep]`, `line 2 column 2`},
	{`plan = "x.json"`, `line 2 column 1`},
	{`preset = "build"`, `line 2 column 1`},
	// Twice.
	{`[files]` + "\n" + `here = true` + "\n" + `here = false`, `line 4 column 1: .*stands twice`},
	{`[files]` + "\n" + `[names]` + "\n" + `[files]`, `line 4 column 2: .*stands twice`},
	{`[names]` + "\n" + `env = {A = "1", A = "2"}`, `line 3 column 1: .*A stands twice`},
	{`extends = "build"` + "\n" + `extends = "agent"`, `line 3 column 1: .*stands twice`},
	// Kinds of values.
	{`files = 3`, `line 2 column 1: files: is a section`},
	{`[files]` + "\n" + `here = "true"`, `line 3 column 1: .*wants true or false`},
	{`[files]` + "\n" + `here = 1`, `line 3 column 1: .*wants true or false`},
	{`[files]` + "\n" + `here = ["/x"]`, `line 3 column 1: .*wants true or false`},
	{`[files]` + "\n" + `ro = true`, `line 3 column 1: .*wants a text`},
	{`[files]` + "\n" + `ro = [true]`, `line 3 column 1: .*value 1: wants a text`},
	{`[files]` + "\n" + `ro = [["/x"]]`, `line 3 column 1: .*value 1: wants a text`},
	{`[files]` + "\n" + `ro = 1979-05-27`, `line 3 column 1: .*wants a text`},
	{`[names]` + "\n" + `hostname = ["a", "b"]`, `line 3 column 1: .*no list`},
	{`[names]` + "\n" + `hostname = {a = "b"}`, `line 3 column 1: .*no table`},
	{`[names.hostname]` + "\n" + `a = "b"`, `line 3 column 1: .*no table`},
	{`[identity]` + "\n" + `uid = "root"`, `line 3 column 1: identity.uid`},
	{`[identity]` + "\n" + `uid = 1.5`, `line 3 column 1: identity.uid`},
	{`[identity]` + "\n" + `uid = nan`, `line 3 column 1: identity.uid`},
	{`extends = 3`, `line 2 column 1: extends: wants a text`},
	{`depends = [1]`, `line 2 column 1: depends: value 1 is no text`},
	// What a flag refuses, and what shows in the plan alone.
	{`[files]` + "\n" + `ro = ["~/x"]`, `line 3 column 1: .*write \$\{HOME\}`},
	{`[files]` + "\n" + `ro = ["/usr:/a:/b"]`, `line 3 column 1: .*more than one colon`},
	{`[files]` + "\n" + `ro = [""]`, `line 3 column 1: files.ro`},
	{`[files]` + "\n" + `mount = [{type = "tmpfs", targt = "/x"}]`, `line 3 column 1: .*unknown option "targt"`},
	{`[[files.mount]]` + "\n" + `type = "tmpfs"` + "\n" + `target = "/x,y"`, `line 4 column 1: .*comma`},
	{`[[files.mount]]` + "\n" + `type = "tmpf"` + "\n" + `target = "/x"`, `line 2 column 3: .*did you mean tmpfs`},
	{`[files]` + "\n" + `tmpfs = ["relative"]`, `line 3 column 1: .*is relative`},
	{`[files]` + "\n" + `tmpfs = ["/a/../b"]`, `line 3 column 1: files.tmpfs`},
	{`[files]` + "\n" + `chdir = "there"`, `line 3 column 1: .*is relative`},
	{`[names]` + "\n" + `hostname = "a b"`, `line 3 column 1: .*has a blank`},
	{`[names]` + "\n" + `hostname = "a\u0000b"`, `line 3 column 1: .*NUL`},
	{`[names]` + "\n" + `env = ["=x"]`, `line 3 column 1: names.env`},
	{`[rights]` + "\n" + `cap-add = ["chwon"]`, `line 3 column 1: .*did you mean chown`},
	{`[identity]` + "\n" + `share = ["mount"]`, `line 3 column 1: .*can't be shared`},
	{`[jail]` + "\n" + `name = "a/b"`, `line 3 column 1: jail.name`},
	// Variables, and other files.
	{`[names]` + "\n" + `hostname = "${nobody_sets_this}"`, `line 3 column 1: .*is not set \(hint: `},
	{`[names]` + "\n" + `hostname = "${"`, `line 3 column 1: .*without \}`},
	{`[names]` + "\n" + `hostname = "${}"`, `line 3 column 1: .*names no variable`},
	{`[vars]` + "\n" + `a = "${b}"` + "\n" + `b = "${a}"` + "\n" + `[names]` + "\n" + `hostname = "${a}"`, `line 6 column 1: .*refers to itself`},
	{`[vars]` + "\n" + `a = ["b"]`, `line 3 column 1: vars.a: wants a text`},
	{`extends = "biuld"`, `line 2 column 1: no preset "biuld" \(hint: did you mean build`},
	{`extends = "./none.toml"`, `none.toml: named by .*line 2 column 1: no such file`},
	{`include = ["bad.jail.toml"]`, `line 2 column 1: .*includes itself`},
}

// badCommands can't be the command of a file.
var badCommands = []struct{ text, want string }{
	{`command = ""`, `line 1 column 1: command: is empty`},
	{`command = []`, `line 1 column 1: command: is empty`},
	{`command = "a 'b"`, `line 1 column 1: command: .*close the quotes`},
	{`command = 3`, `line 1 column 1: command: wants a text`},
	{`command = ["a", 3]`, `line 1 column 1: command: value 2 is no text`},
}

// TestBadFiles wants each mistake refused with its place and a reason, and no
// jail started.
func TestBadFiles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bad.jail.toml")
	all := badCommands
	for _, bad := range badFiles {
		all = append(all, struct{ text, want string }{"command = \"echo STARTED\"\n" + bad.text + "\n", bad.want})
	}
	if len(all) < 60 {
		t.Errorf("only %d mistakes", len(all))
	}
	for _, bad := range all {
		if err := os.WriteFile(file, []byte(bad.text), 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(filepath.Join(bin(t), "jailspawn"), "run", "-f", file).CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 2 || strings.Contains(string(out), "STARTED") {
			t.Errorf("%q: %v, %s", bad.text, err, out)
		}
		if !regexp.MustCompile(bad.want).Match(out) {
			t.Errorf("%q: %s is not in:\n%s", bad.text, bad.want, out)
		}
	}
}
