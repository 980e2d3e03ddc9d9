package setup

// Network describes the jail's network namespace.
type Network struct {
	// NoLoopback leaves the loopback interface down, as the kernel made it.
	NoLoopback bool `json:"no_loopback,omitempty"`
}

func (n *Network) code(c *coder) {
	flag(c, &n.NoLoopback)
}
