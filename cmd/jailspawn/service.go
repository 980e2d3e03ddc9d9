package main

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/spf13/pflag"

	"github.com/jailspawn/jailspawn/setup"
)

// serviceOptions connect the payload to a terminal or to a service manager.
type serviceOptions struct {
	tty       string
	notify    bool
	listenFDs bool
	pidFile   string
	readyFD   int
}

func (o *serviceOptions) serviceFlags(f *pflag.FlagSet) {
	f.StringVar(&o.tty, "tty", "auto", "")
	f.BoolVar(&o.notify, "notify", false, "")
	f.BoolVar(&o.listenFDs, "listen-fds", false, "")
	f.StringVar(&o.pidFile, "pid-file", "", "")
	f.IntVar(&o.readyFD, "ready-fd", 0, "")
}

// service fills in the terminal and what a service manager gave. It comes when
// the plan has its environment and descriptors.
func (o *serviceOptions) service(p *setup.Plan) error {
	switch o.tty {
	case "never":
		p.Process.Terminal = setup.TerminalNever
	case "auto", "always":
		p.Process.Terminal = setup.Terminal(o.tty)
	default:
		return usage("--tty "+o.tty+" is unknown", "use auto, always or never")
	}
	p.Service.ReadyFD = o.readyFD
	if o.pidFile != "" {
		name, err := filepath.Abs(o.pidFile)
		if err != nil {
			return setup.Fail("pid file", o.pidFile, err)
		}
		p.Service.PIDFile = name
	}
	if o.listenFDs {
		if err := o.listen(p); err != nil {
			return err
		}
	}
	return o.notifications(p)
}

// listen passes on the sockets of our own activation (sd_listen_fds(3)).
func (o *serviceOptions) listen(p *setup.Plan) error {
	n, err := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	if os.Getenv("LISTEN_PID") != strconv.Itoa(os.Getpid()) || err != nil || n < 1 {
		return usage("--listen-fds: jailspawn itself got no sockets by activation", "run it from a unit with a socket, and with exec, so that LISTEN_PID is its own process id")
	}
	p.Service.Listen = n
	for fd := 3; fd < 3+n; fd++ {
		if !slices.Contains(p.Process.PassFDs, fd) {
			p.Process.PassFDs = append(p.Process.PassFDs, fd)
		}
	}
	p.Process.Env = setVariable(p.Process.Env, "LISTEN_FDS="+strconv.Itoa(n))
	if names, set := os.LookupEnv("LISTEN_FDNAMES"); set {
		p.Process.Env = setVariable(p.Process.Env, "LISTEN_FDNAMES="+names)
	}
	return nil
}

// notifications gives the payload its socket, and the watchdog's interval. The
// process that the watchdog watches is not named, as its id is another inside.
func (o *serviceOptions) notifications(p *setup.Plan) error {
	if p.Service.Notify = o.notify; !o.notify {
		return nil
	}
	if os.Getenv("NOTIFY_SOCKET") == "" && o.readyFD == 0 {
		return usage("--notify: there is nobody to notify, as NOTIFY_SOCKET is not set", "run it from a unit of Type=notify, or add --ready-fd")
	}
	p.Process.Env = setVariable(p.Process.Env, "NOTIFY_SOCKET="+setup.NotifyPath)
	if interval, set := os.LookupEnv("WATCHDOG_USEC"); set {
		p.Process.Env = setVariable(p.Process.Env, "WATCHDOG_USEC="+interval)
	}
	return nil
}
