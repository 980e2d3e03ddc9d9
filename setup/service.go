package setup

// Service connects the payload to the service manager that runs jailspawn.
type Service struct {
	// Notify gives the payload a socket at [NotifyPath] to report its state to
	// (sd_notify(3)). jailspawn passes on what concerns the payload alone.
	Notify bool `json:"notify,omitempty"`

	// Listen is the number of sockets, from descriptor 3 on, that the payload
	// gets by socket activation (sd_listen_fds(3)). They stand in
	// Process.PassFDs as well.
	Listen int `json:"listen,omitempty"`

	// PIDFile is a file on the host that holds the process id of jailspawn as
	// long as the payload runs. A signal sent there reaches the payload.
	PIDFile string `json:"pid_file,omitempty"`

	// ReadyFD is a descriptor of jailspawn to which it writes a newline when
	// the payload is ready: it said so through Notify, or without that, it runs
	// its program. 0 means none.
	ReadyFD int `json:"ready_fd,omitempty"`
}

// NotifyPath is where the notification socket lies inside.
const NotifyPath = "/run/notify"

func (s *Service) code(c *coder) {
	flag(c, &s.Notify)
	num(c, &s.Listen)
	str(c, &s.PIDFile)
	num(c, &s.ReadyFD)
}
