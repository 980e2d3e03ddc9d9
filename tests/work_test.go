package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// goEnv asks the go command that runs this test for one of its settings.
func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Skipf("no go command: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// TestGoBuild builds this repository in a jail, offline, as its developers do.
func TestGoBuild(t *testing.T) {
	goroot, modules, cache := goEnv(t, "GOROOT"), goEnv(t, "GOMODCACHE"), goEnv(t, "GOCACHE")
	if err := os.MkdirAll(cache, 0o700); err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	cmd := jail(
		t, "--here-ro", "--ro", goroot, "--ro", modules, "--rw", cache, "--rw", out,
		"--env", "PATH="+goroot+"/bin:/usr/bin:/bin", "--env", "GOMODCACHE="+modules, "--env", "GOCACHE="+cache,
		"--env", "GOPROXY=off", "--env", "GOFLAGS=-mod=readonly -buildvcs=false", "--env", "CGO_ENABLED=0",
		"--", "go", "build", "-o", out, "./...",
	)
	cmd.Dir = ".."
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for _, name := range []string{"jailspawn", "jailinit"} {
		info, err := os.Stat(filepath.Join(out, name))
		if err != nil {
			t.Fatal(err)
		}
		if owner := info.Sys().(*syscall.Stat_t).Uid; int(owner) != os.Geteuid() {
			t.Errorf("%s belongs to uid %d, not to the caller", name, owner)
		}
	}
}
