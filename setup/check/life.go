package check

import (
	"slices"
	"strconv"

	"github.com/jailspawn/jailspawn/setup"
)

// life checks how signals are passed on and how the jail ends.
func (c *checker) life(l *setup.Life) {
	for i, r := range l.SignalMap {
		field := "life.signal_map[" + strconv.Itoa(i) + "]"
		if r.From < 1 || r.From > setup.LastSignal || r.To < 0 || r.To > setup.LastSignal {
			c.add(field, "signals go from 1 to 64", "")
		}
		if slices.ContainsFunc(l.SignalMap[:i], func(other setup.SignalRewrite) bool { return other.From == r.From }) {
			c.add(field, "signal "+strconv.Itoa(r.From)+" stands twice", "")
		}
	}
	for i, status := range l.OKStatus {
		if status < 0 || status > 255 {
			c.add("life.ok_status["+strconv.Itoa(i)+"]", strconv.Itoa(status)+" is no exit status", "they go from 0 to 255")
		}
	}
}

// terminal and service want their parts in the plan to fit together.
func (c *checker) terminal(t setup.Terminal) {
	switch t {
	case setup.TerminalNever, setup.TerminalAuto, setup.TerminalAlways:
	default:
		c.add("process.terminal", "unknown word "+strconv.Quote(string(t)), "auto or always; leave it out for never")
	}
}

func (c *checker) service(p *setup.Plan) {
	s := &p.Service
	for fd := 3; fd < 3+s.Listen; fd++ {
		if !slices.Contains(p.Process.PassFDs, fd) {
			c.add("service.listen", "descriptor "+strconv.Itoa(fd)+" is not passed", "put it into process.pass_fds")
			break
		}
	}
	if s.PIDFile != "" {
		c.absPath("service.pid_file", s.PIDFile)
	}
	if s.ReadyFD < 0 || (s.ReadyFD > 0 && s.ReadyFD < 3) {
		c.add("service.ready_fd", strconv.Itoa(s.ReadyFD)+" is the payload's", "use 3 or more")
	}
}
