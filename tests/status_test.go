package tests

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// statusFields is the schema of jail-status(5): the kind of each field of an
// event, those that may be missing with a question mark.
var statusFields = map[string]map[string]string{
	"started": {"name": "string?", "pid": "number", "namespaces": "object"},
	"ready":   {},
	"exited":  {"status": "number", "signal": "string?", "core_dumped": "bool?", "oom": "bool?", "timeout": "bool?", "usage": "object"},
	"error": {
		"status": "number", "step": "string", "target": "string?", "detail": "string?",
		"errno": "number?", "hint": "string?", "message": "string",
	},
}

// reports runs a jail with --status-fd and returns its events.
func reports(t *testing.T, args ...string) []map[string]any {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd := jail(t, append([]string{"--status-fd", "3"}, args...)...)
	cmd.ExtraFiles = []*os.File{w}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	var events []map[string]any
	for d := json.NewDecoder(r); d.More(); {
		var e map[string]any
		if err := d.Decode(&e); err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	_ = cmd.Wait()
	if last := events[len(events)-1]; last["status"] != float64(cmd.ProcessState.ExitCode()) {
		t.Errorf("the exit status is %d, the last event %v", cmd.ProcessState.ExitCode(), last)
	}
	return events
}

func TestStatusSchema(t *testing.T) {
	man, err := os.ReadFile("../man/jail-status.5")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		events string
		args   []string
	}{
		{"started ready exited", []string{"--", "sh", "-c", "exit 7"}},
		{"started ready exited", []string{"--", "sh", "-c", "kill -KILL $$"}},
		{"started ready exited", []string{"--timeout", "100ms", "--", "sleep", "1000"}},
		{"started error", []string{"--", "no-such-program"}},
		{"started error", []string{"--ro", "/no/such:/x", "--", "true"}},
		{"error error", []string{"--tmpfs", "a", "--tmpfs", "b", "--", "true"}},
		{"error", []string{"--no-such-flag"}},
		{"started error", []string{"--post-start", "false", "--", "sleep", "1000"}},
	} {
		var names []string
		for _, e := range reports(t, c.args...) {
			name, _ := e["event"].(string)
			names = append(names, name)
			schema, known := statusFields[name]
			if !known || !strings.Contains(string(man), ".It Cm "+name) {
				t.Errorf("%v: event %q is unknown or not in the man page", c.args, name)
			}
			checkFields(t, e, schema, string(man))
		}
		if got := strings.Join(names, " "); got != c.events {
			t.Errorf("%v: events %q, want %q", c.args, got, c.events)
		}
	}
}

func checkFields(t *testing.T, e map[string]any, schema map[string]string, man string) {
	t.Helper()
	for field, value := range e {
		kind := "thing of another kind"
		switch value.(type) {
		case string:
			kind = "string"
		case float64:
			kind = "number"
		case bool:
			kind = "bool"
		case map[string]any:
			kind = "object"
		}
		if want, known := schema[field]; field != "event" && (!known || strings.TrimSuffix(want, "?") != kind) {
			t.Errorf("%v: field %s is a %s, want %q", e, field, kind, want)
		}
		if !slices.Contains(strings.FieldsFunc(man, func(r rune) bool { return r == ' ' || r == '\n' || r == ',' }), field) {
			t.Errorf("field %s is not in the man page", field)
		}
	}
	for field, kind := range schema {
		if _, there := e[field]; !there && !strings.HasSuffix(kind, "?") {
			t.Errorf("%v lacks %s", e, field)
		}
	}
}

func TestStatusNamespaces(t *testing.T) {
	started := reports(t, "--share", "net", "--", "true")[0]
	var st unix.Stat_t
	if err := unix.Stat("/proc/self/ns/net", &st); err != nil {
		t.Fatal(err)
	}
	got := started["namespaces"].(map[string]any)
	if got["net"] != float64(st.Ino) {
		t.Errorf("the shared network namespace is %d, reported is %v", st.Ino, got["net"])
	}
	if err := unix.Stat("/proc/self/ns/pid", &st); err != nil || got["pid"] == float64(st.Ino) {
		t.Errorf("%v: the new PID namespace is reported as the caller's, %v", err, got["pid"])
	}
}

// A core dump is told of, and there is none unless it was asked for.
func TestCoreDump(t *testing.T) {
	pattern, err := os.ReadFile("/proc/sys/kernel/core_pattern")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	crash := []string{"--rw", dir, "--chdir", dir, "--", "sh", "-c", "kill -SEGV $$"}
	for _, c := range []struct {
		args []string
		want any
	}{
		{crash, nil},
		{append([]string{"--rlimit", "core=unlimited"}, crash...), true},
	} {
		if c.want == nil && strings.HasPrefix(string(pattern), "|") {
			continue // a program gets it, to which the limit is nothing
		}
		events := reports(t, c.args...)
		last := events[len(events)-1]
		if last["core_dumped"] != c.want || last["signal"] != "SIGSEGV" || last["status"] != 139.0 {
			t.Errorf("%v: %v", c.args, last)
		}
	}
}

// The payload's end was reported before process 1 was killed, so its status is
// the jail's.
func TestStatusOutlivesProcess1(t *testing.T) {
	c := jail(t, "--grace", "1h", "--", "bash", "-c", `(trap "echo told" TERM; echo up; while :; do sleep 0.05; done) & read line; exit 7`)
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out := startUp(t, c)
	in.Close()
	if line, _ := out.ReadString('\n'); line != "told\n" { // what the payload left was told, so it has ended
		t.Fatal(line)
	}
	_ = syscall.Kill(called(t, c.Process.Pid, "jailinit"), syscall.SIGKILL)
	if end := finish(c); end != "status 7" {
		t.Error(end)
	}
}
