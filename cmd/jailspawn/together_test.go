package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// A flag or verb stands in the flag set, in its help text, in the man page and
// in the completions, or this test says where it is missing.

// notInHelp are flags that pflag adds by itself.
var notInHelp = map[string]bool{"help": true}

func manPage(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("../../man/jailspawn.1")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestFlagsStandEverywhere(t *testing.T) {
	documented := map[string]helpLine{}
	lines, err := helpFlags("run")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		documented[line.name] = line
	}
	man := manPage(t)
	new(options).flags("run").VisitAll(func(f *pflag.Flag) {
		line, ok := documented[f.Name]
		if !ok {
			t.Errorf("--%s is not in cmd/jailspawn/help/run-*.txt (or its file is not listed in help.go)", f.Name)
		}
		takes := f.NoOptDefVal == ""
		if ok && takes != (line.value != "") {
			t.Errorf("--%s takes a value: %v; its help line has the value %q", f.Name, takes, line.value)
		}
		if !regexp.MustCompile(`(?m)\bFl -` + f.Name + `( |$)`).MatchString(man) {
			t.Errorf("--%s has no \".It Fl -%s\" in man/jailspawn.1", f.Name, f.Name)
		}
		delete(documented, f.Name)
	})
	for name := range documented {
		t.Errorf("--%s stands in help, but run has no such flag", name)
	}
	for _, m := range regexp.MustCompile(`(?m)^\.It Fl -(\S+)`).FindAllStringSubmatch(man, -1) {
		if !strings.Contains(allHelp(t), "--"+m[1]) && !notInHelp[m[1]] {
			t.Errorf("--%s stands in man/jailspawn.1, but in no help text", m[1])
		}
	}
}

func TestVerbsStandEverywhere(t *testing.T) {
	lines, err := helpVerbs()
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, line := range lines {
		listed[line.name] = true
	}
	man := manPage(t)
	for _, v := range verbs() {
		if !listed[v.name] {
			t.Errorf("verb %s is not listed in cmd/jailspawn/help/main.txt", v.name)
		}
		if _, err := helpText(v.name); err != nil {
			t.Errorf("verb %s has no page in help.go: %v", v.name, err)
		}
		if !regexp.MustCompile(`(?m)^\.It Cm ` + v.name + `$`).MatchString(man) {
			t.Errorf("verb %s has no \".It Cm %s\" in man/jailspawn.1", v.name, v.name)
		}
		delete(listed, v.name)
	}
	for name := range listed {
		t.Errorf("verb %s stands in help, but there is none", name)
	}
}

// TestPagesNameRealFlags holds the other pages and the README to what there is.
func TestPagesNameRealFlags(t *testing.T) {
	help := allHelp(t)
	pages, err := filepath.Glob("../../man/*.[57]")
	if err != nil || len(pages) == 0 {
		t.Fatal(err)
	}
	for _, page := range append(pages, "../../README.md") {
		data, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)(?:\bFl -| --)([a-z][a-z-]+)`).FindAllStringSubmatch(string(data), -1) {
			if !regexp.MustCompile(`--` + m[1] + `([^a-z-]|$)`).MatchString(help) {
				t.Errorf("%s names --%s, which is in no help text", page, m[1])
			}
		}
	}
}

func TestHelpFits(t *testing.T) {
	for page := range helpPages() {
		text, err := helpText(page)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(text) {
			if len(strings.TrimRight(line, "\n")) > 80 {
				t.Errorf("help %s: longer than 80 columns: %s", page, line)
			}
		}
	}
}

func TestCompletionsKnowHelp(t *testing.T) {
	flags, err := helpFlags("run")
	if err != nil {
		t.Fatal(err)
	}
	for shell, write := range shells() {
		var b bytes.Buffer
		write(&b, []completedVerb{{helpLine{name: "run"}, flags}})
		for _, f := range flags {
			want := "--" + f.name
			if shell == "fish" {
				want = "-l " + f.name
			}
			if !regexp.MustCompile(want + `["\[ ]`).Match(b.Bytes()) {
				t.Errorf("%s: no %s", shell, want)
			}
		}
	}
}

func allHelp(t *testing.T) string {
	var all strings.Builder
	for page := range helpPages() {
		text, err := helpText(page)
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString(text)
	}
	return all.String()
}

// TestSectionsAreInTheManual wants jail.toml(5) to name each section of a file.
func TestSectionsAreInTheManual(t *testing.T) {
	man, err := os.ReadFile("../../man/jail.toml.5")
	if err != nil {
		t.Fatal(err)
	}
	sections, err := schema(new(options).flags("run"))
	if err != nil {
		t.Fatal(err)
	}
	for name := range sections {
		if !regexp.MustCompile(`(?m)^\.Ic .*\b` + name + `\b`).Match(man) {
			t.Errorf("man/jail.toml.5 does not name the section %s", name)
		}
	}
}
