package tests

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// makeRoot makes a small root with busybox in dir, and beside it a place that
// plays the part of the host's: outside. It returns both.
func makeRoot(t *testing.T) (root, outside string) {
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		t.Skip("no busybox to make a root of")
	}
	dir := tempDir(t)
	root, outside = filepath.Join(dir, "root"), filepath.Join(dir, "outside")
	run(t, "mkdir", "-p", root+"/bin", root+"/in/sub", outside+"/sub")
	run(t, "cp", busybox, root+"/bin/busybox")
	for _, name := range []string{"sh", "cat", "ls", "touch", "stat", "grep", "echo"} {
		link(t, "busybox", root+"/bin/"+name)
	}
	write(t, outside+"/marker", "host")
	write(t, outside+"/null", "")
	write(t, root+"/in/file", "in")
	return root, outside
}

// tempDir is a directory that anybody may enter, and that a jail's own /tmp
// doesn't cover.
func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "jail-test-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func run(t *testing.T, words ...string) string {
	t.Helper()
	out, err := exec.Command(words[0], words[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v: %s", words, err, out)
	}
	return string(out)
}

func link(t *testing.T, text, name string) {
	t.Helper()
	if err := os.Symlink(text, name); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// snapshot is all that a jail might change of dir and of the mounts.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return run(t, "find", dir, "-printf", `%p %y %m %U %G %s %T@ %l\n`) + string(mounts)
}

// TestPlantedLinks starts jails from roots with symbolic links where jailinit
// mounts and makes things. OUT stands for the path of a directory of the host.
func TestPlantedLinks(t *testing.T) {
	up := strings.Repeat("../", 20)
	for _, c := range []struct {
		name  string
		links map[string]string // in the root
		flags []string
		see   string // a command of the payload that has to succeed
	}{
		{"proc, absolute", map[string]string{"proc": "OUT"}, nil, "test -e /proc/self/status"},
		{"proc, relative", map[string]string{"proc": up + "OUT"}, nil, "test -e /proc/self/status"},
		{"proc, slash", map[string]string{"proc": "OUT/"}, nil, "test -e /proc/self/status"},
		{"proc, legal", map[string]string{"proc": "in/sub"}, nil, "test -e /in/sub/self/status"},
		{"dev, absolute", map[string]string{"dev": "OUT"}, nil, "test -c /dev/null && test -e /dev/pts/ptmx"},
		{"dev, legal", map[string]string{"dev": "/in"}, nil, "test -c /in/null"},
		{"null", map[string]string{"devices/null": "/proc/sys/kernel/core_pattern", "dev": "devices"}, []string{"--mask", "/in/file"}, "test -c /dev/null && ! test -s /in/file"},
		{"pts", map[string]string{"devices/pts": "OUT", "dev": "devices"}, nil, "test -e /dev/pts/ptmx"},
		{"sys", map[string]string{"sys": "OUT/sub"}, []string{"--sys"}, "test -e /sys/class/net/lo"},
		{"tmp", map[string]string{"tmp": up + "OUT/sub"}, nil, "touch /tmp/x"},
		{"etc", map[string]string{"etc": "OUT"}, nil, "true"},
		{"hosts", map[string]string{"etc2/hosts": "OUT/marker", "etc": "etc2"}, nil, "grep -q 127.0.0.1 /etc/hosts"},
		{"parent", map[string]string{"a": "OUT"}, []string{"--tmpfs", "/a/sub"}, "touch /a/sub/x"},
		{"parent is the root", map[string]string{"a": "/"}, []string{"--tmpfs", "/a/in"}, "touch /in/x"},
		{"parent of the root", map[string]string{"a": ".."}, []string{"--tmpfs", "/a/in"}, "touch /in/x"},
		{"nested", map[string]string{"a": "b/sub", "b": up + "OUT"}, []string{"--ro", "ROOT/in:/a"}, "test -e /a/file"},
		{"nested, legal", map[string]string{"a": "b/sub", "b": "/in"}, []string{"--ro", "ROOT/in:/a"}, "test -e /in/sub/file"},
		{"new below", map[string]string{"a": "OUT"}, []string{"--ro", "ROOT/in/file:/a/new/file"}, "test -e /a/new/file"},
		{"file", map[string]string{"a": "OUT"}, []string{"--file", "/a/marker=own"}, "grep -q own /a/marker"},
		{"file over", map[string]string{"m": "OUT/marker"}, []string{"--file", "/m=own"}, "grep -q own /m"},
		{"dir", map[string]string{"a": "OUT"}, []string{"--dir", "/a/new"}, "test -d /a/new"},
		{"symlink", map[string]string{"a": "OUT"}, []string{"--symlink", "x:/a/new"}, "test -L /a/new"},
		{"mask", map[string]string{"a": "OUT"}, []string{"--mask", "/a/marker"}, "! test -e /a/marker"},
		{"device", map[string]string{"a": "OUT/sub"}, []string{"--device", "/dev/null:/a/null"}, "test -c /a/null"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root, outside := makeRoot(t)
			run(t, "mkdir", root+"/devices", root+"/etc2")
			for name, text := range c.links {
				link(t, strings.ReplaceAll(text, "OUT", outside), filepath.Join(root, name))
			}
			before := snapshot(t, filepath.Dir(root))
			args := []string{"--root", root}
			for _, f := range c.flags {
				args = append(args, strings.ReplaceAll(f, "ROOT", root))
			}
			out, err := jail(t, append(args, "--", "sh", "-c", c.see+" && ! test -e "+outside+"/marker")...).CombinedOutput()
			if err != nil {
				t.Errorf("%v: %s", err, out)
			}
			if after := snapshot(t, filepath.Dir(root)); after != before {
				t.Errorf("before:\n%s\nafter:\n%s", before, after)
			}
		})
	}
}

// swapping exchanges two names until the test is done.
func swapping(t *testing.T, a, b string) (stop func()) {
	var done atomic.Bool
	ended := make(chan error)
	go func() {
		for !done.Load() {
			if err := unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE); err != nil {
				ended <- err
				return
			}
			time.Sleep(200 * time.Microsecond)
		}
		ended <- nil
	}()
	return func() {
		done.Store(true)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// places says where the mounts of raced showed: at the directory, or at the
// place inside that the link names in a chroot; lost are those that showed
// nowhere inside, and refused the starts that ended with an error, of which
// the first is kept.
type places struct {
	direct, linked, lost, refused int
	refusal                       string
}

func (p places) String() string {
	return fmt.Sprintf("%d starts met the directory, %d the link, %d mounts got out, %d were refused %s",
		p.direct, p.linked, p.lost, p.refused, p.refusal)
}

// raced starts jails while a directory of their root is swapped with a link to
// outside, where the mount point exists as well.
func raced(t *testing.T, bin string, starts int, enough func(places) bool) (seen places) {
	root, outside := makeRoot(t)
	run(t, "mkdir", "-p", root+"/proc", root+"/dev", root+"/tmp", root+"/swapped/sub", root+outside+"/sub")
	link(t, outside, root+"/link")
	before := snapshot(t, outside)
	defer swapping(t, root+"/swapped", root+"/link")()
	for i := range starts {
		args := []string{"run", "--root", root, "--mount", "type=tmpfs,target=/swapped/sub,size=44K"}
		if i%2 == 1 { // something is made there as well
			args = append(args, "--dir", "/swapped/made")
		}
		cmd := exec.Command(bin+"/jailspawn", append(args, "--", "grep", "size=44k", "/proc/self/mountinfo")...)
		var errors bytes.Buffer
		cmd.Stderr = &errors
		out, err := cmd.Output()
		switch fields := strings.Fields(string(out)); {
		case errors.Len() > 0:
			if seen.refused++; seen.refused == 1 {
				seen.refusal = strings.TrimSpace(fmt.Sprintf("(%v: %s", err, &errors)) + ")"
			}
		case len(fields) < 5:
			seen.lost++
		case fields[4] == outside+"/sub":
			seen.linked++
		default: // the directory, whatever it is called by now
			seen.direct++
		}
		if enough(seen) {
			break
		}
	}
	if after := snapshot(t, outside); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
	return seen
}

// A target that leads to the root itself would hide all of it.
func TestTargetIsRoot(t *testing.T) {
	for _, flags := range [][]string{{}, {"--mask", "/a"}, {"--tmpfs", "/a"}} {
		root, _ := makeRoot(t)
		link(t, "..", root+"/a")
		if len(flags) == 0 {
			link(t, ".", root+"/proc")
		}
		out, err := jail(t, append(append([]string{"--root", root}, flags...), "--", "ls", "/bin/sh", "/proc")...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "leads to the root itself") {
			t.Errorf("%v: %v: %s", flags, err, out)
		}
	}
}

func TestSwappedDirectory(t *testing.T) {
	starts := 2000
	if testing.Short() {
		starts = 200
	}
	seen := raced(t, bin(t), starts, func(seen places) bool { return seen.refused > 0 })
	t.Log(seen)
	if seen.lost > 0 || seen.refused > 0 || seen.direct < starts/100 || seen.linked < starts/100 {
		t.Error("a start was refused, a mount got out, or the race was hardly run")
	}
}

// A jailinit that resolves targets by path, as this one must not, loses the
// race: the test above can fail. Where the link leads such a build to a
// directory of the host between two lookups, it may also refuse to start.
func TestSwappedDirectoryByPath(t *testing.T) {
	dir := byPath(t)
	seen := raced(t, dir, 2000, func(seen places) bool { return seen.lost > 0 })
	t.Log("by path:", seen)
	if seen.lost == 0 {
		t.Error("a build that resolves by path did not lose")
	}
}

// byPath builds a jailinit whose lookups follow links out of the root.
func byPath(t *testing.T) string {
	const safe = "\treturn t.openHow(name, unix.O_PATH, 0)\n"
	const unsafe = "\treturn unix.Open(procPath(t.root)+name, unix.O_PATH|unix.O_CLOEXEC, 0)\n"
	source, err := filepath.Abs("../mounts/resolve.go")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(text), safe) != 1 {
		t.Fatalf("%s has no line %q to replace", source, safe)
	}
	dir := tempDir(t)
	write(t, dir+"/resolve.go", strings.Replace(string(text), safe, unsafe, 1))
	write(t, dir+"/overlay.json", fmt.Sprintf(`{"Replace": {%q: %q}}`, source, dir+"/resolve.go"))
	run(t, "cp", bin(t)+"/jailspawn", dir)
	build := strings.Fields(run(t, dir+"/jailspawn", "version"))[1]
	cmd := exec.Command("go", "build", "-overlay", dir+"/overlay.json", "-o", dir+"/jailinit",
		"-ldflags", "-X github.com/jailspawn/jailspawn/setup.Build="+build, "../cmd/jailinit")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("the Go tools can't build here: %v: %s", err, out)
	}
	return dir
}

// Two hundred binds start in under three times the time of one.
func TestManyBinds(t *testing.T) {
	var many []string
	for i := range 200 {
		many = append(many, "--ro", fmt.Sprintf("/usr/share:/srv/%d", i))
	}
	one, all := time.Hour, time.Hour
	for range 10 {
		one = min(one, start(t, many[:2]))
		all = min(all, start(t, many))
	}
	t.Logf("one %v, all %v", one, all)
	if all > 3*one {
		t.Errorf("a start with 200 binds takes %v, with one %v", all, one)
	}
}

func start(t *testing.T, flags []string) time.Duration {
	began := time.Now()
	if out, err := jail(t, append(flags[:len(flags):len(flags)], "--", "true")...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return time.Since(began)
}
