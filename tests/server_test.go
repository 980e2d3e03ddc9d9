package tests

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// PostgreSQL says by itself that it is ready, serves pgbench from processes
// beside it, and ends cleanly within the grace when it is told to.
func TestPostgresAsService(t *testing.T) {
	if !features["postgres"]() {
		t.Skip("no PostgreSQL")
	}
	y, m := newYard(t), newManager(t)
	const script = `bin=$(echo /usr/lib/postgresql/*/bin); "$bin/initdb" -D /tmp/data -A trust >/dev/null && exec "$bin/postgres" -D /tmp/data -k /tmp -h 127.0.0.1`
	c := y.cmd("run", "--name", "pg", "--notify", "--uid", "1000", "--grace", "60s", "--", "sh", "-c", script)
	c.Env = append(c.Env, "NOTIFY_SOCKET="+m.name)
	log := new(strings.Builder)
	c.Stderr = log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	for got := ""; !strings.Contains(got, "READY=1"); {
		got = m.next()
	}
	for _, args := range []string{"-i -q", "-c 4 -T 2"} {
		command := "exec $(echo /usr/lib/postgresql/*/bin)/pgbench -h /tmp " + args + " postgres 2>&1"
		out := y.run("exec", "pg", "--", "sh", "-c", command)
		if strings.HasPrefix(args, "-c") && (!strings.Contains(out, "tps = ") || !strings.Contains(out, "failed transactions: 0 ")) {
			t.Errorf("pgbench says %s", out)
		}
	}
	begin := time.Now()
	y.run("stop", "--grace", "60s", "pg")
	if end := finish(c); end != "" {
		t.Errorf("%s: %s", end, log)
	}
	if !strings.Contains(log.String(), "database system is shut down") {
		t.Errorf("it didn't end by itself: %s", log)
	}
	t.Logf("stopped in %v", time.Since(begin))
	y.empty()
}

// nginxAt configures nginx to serve at an address. It takes a socket that was
// opened for it by its own convention, a list of descriptors in NGINX, where it
// listens at the same address.
func nginxAt(t *testing.T) (l *net.TCPListener, conf string) {
	if _, err := exec.LookPath("nginx"); err != nil {
		t.Skip("no nginx")
	}
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	conf = filepath.Join(t.TempDir(), "conf")
	text := "daemon off; pid /tmp/pid; error_log stderr; events {}\n" +
		"http { access_log off; client_body_temp_path /tmp/a; proxy_temp_path /tmp/b; fastcgi_temp_path /tmp/c; uwsgi_temp_path /tmp/d; scgi_temp_path /tmp/e;\n" +
		"server { listen " + l.Addr().String() + "; location / { return 200 served; } } }\n"
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return l, conf
}

// servesAt gets the page. The connection is in the socket's queue until nginx
// takes it: its network has no other way to the host's.
func servesAt(t *testing.T, l *net.TCPListener, log fmt.Stringer) {
	t.Helper()
	reply, err := (&http.Client{Timeout: 6 * patience}).Get(fmt.Sprintf("http://%s/", l.Addr()))
	if err != nil {
		t.Fatalf("%v %s", err, log)
	}
	defer reply.Body.Close()
	if page, err := io.ReadAll(reply.Body); err != nil || string(page) != "served" {
		t.Errorf("%v %s", err, page)
	}
}

func TestNginxByActivation(t *testing.T) {
	l, conf := nginxAt(t)
	run := jail(t, "--listen-fds", "--uid", "1000", "--env", "NGINX=3;", "--ro", conf, "--", "nginx", "-c", conf)
	c := activate(t, l, run.Args...)
	log := new(strings.Builder)
	c.Stderr = log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill() })
	servesAt(t, l, log)
	signal(t, c, syscall.SIGQUIT) // its word for a clean end
	if end := finish(c); end != "" {
		t.Errorf("%s: %s", end, log)
	}
}

// nginx tells nobody when it is ready, so a script around it does, by
// systemd-notify, which waits until the manager has heard it.
func TestNginxNotifies(t *testing.T) {
	if _, err := exec.LookPath("systemd-notify"); err != nil {
		t.Skip("no systemd-notify")
	}
	l, conf := nginxAt(t)
	m := newManager(t)
	const script = `
		nginx -c "$0" & n=$!
		trap 'systemd-notify --no-block STOPPING=1; kill -QUIT $n; wait $n; exit 0' TERM
		until [ -s /tmp/pid ]; do sleep 0.05; done
		systemd-notify --ready --status=serving || exit 9
		wait $n`
	run := jail(t, "--notify", "--listen-fds", "--uid", "1000", "--env", "NGINX=3;", "--ro", conf, "--", "sh", "-c", script, conf)
	c := activate(t, l, run.Args...)
	c.Env = append(os.Environ(), "NOTIFY_SOCKET="+m.name)
	log := new(strings.Builder)
	c.Stderr = log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill() })
	for _, want := range []string{"READY=1\nSTATUS=serving\n", "BARRIER=1\n"} {
		if got := m.next(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	servesAt(t, l, log)
	signal(t, c, syscall.SIGTERM)
	if got := m.next(); got != "STOPPING=1\n" {
		t.Errorf("got %q", got)
	}
	if end := finish(c); end != "" {
		t.Errorf("%s: %s", end, log)
	}
}
