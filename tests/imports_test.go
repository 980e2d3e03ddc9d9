package tests

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/jailspawn/jailspawn/"

// layers is the house: a package may import those on lower floors, and what is
// nested below it.
var layers = [][]string{
	{"cmd"},
	{"setup/spawn", "setup/confine", "mounts", "netup", "reap"},
	{"setup/spawn/named"},
	{"setup/spawn/catch", "setup/spawn/hook", "setup/spawn/tty"},
	{"setup/spawn/will"},
	{"setup/check", "setup/planfile", "setup/jailfile", "setup/meaning"},
	{"setup/mountfd", "setup/nft", "setup/pty", "setup/rawfile", "setup/schedule", "setup/seccomp", "setup/sigaction"},
	{"setup"},
}

// TestImportsRunOneWay holds the packages to the layout.
func TestImportsRunOneWay(t *testing.T) {
	for from, imports := range packageImports(t) {
		for _, to := range imports {
			if strings.HasPrefix(to, from+"/") || strings.HasPrefix(from, to+"/") && to != "setup" {
				continue // nested packages belong together
			}
			if layer(t, from) >= layer(t, to) {
				t.Errorf("%s imports %s, which lies beside or above it", from, to)
			}
		}
	}
}

// TestSetupMakesNoSyscall keeps the contract plain data.
func TestSetupMakesNoSyscall(t *testing.T) {
	for _, file := range goFiles(t, "../setup") {
		if filepath.Dir(file) != "../setup" {
			continue
		}
		for _, path := range fileImports(t, file) {
			if path == "golang.org/x/sys/unix" || path == "os" {
				t.Errorf("%s imports %s", file, path)
			}
		}
	}
}

// layer is the number of a package's floor, from the top.
func layer(t *testing.T, pkg string) int {
	t.Helper()
	best, floor := "", -1
	for i, names := range layers {
		for _, name := range names {
			if (pkg == name || strings.HasPrefix(pkg, name+"/")) && len(name) > len(best) {
				best, floor = name, i
			}
		}
	}
	if floor < 0 {
		t.Fatalf("package %s has no place in the layout", pkg)
	}
	return floor
}

// packageImports lists what each package of the module imports of the module.
func packageImports(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, file := range goFiles(t, "..") {
		pkg := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(file)), "../")
		for _, path := range fileImports(t, file) {
			to, own := strings.CutPrefix(path, module)
			if own && !slices.Contains(all[pkg], to) {
				all[pkg] = append(all[pkg], to)
			}
		}
	}
	if len(all) == 0 {
		t.Fatal("found no package")
	}
	return all
}

// goFiles lists the sources below dir that are no tests.
func goFiles(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "tests" || d.Name() == "testdata" || d.Name() == ".git") {
			return fs.SkipDir
		}
		if strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func fileImports(t *testing.T, file string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, spec := range f.Imports {
		paths = append(paths, strings.Trim(spec.Path.Value, `"`))
	}
	return paths
}
