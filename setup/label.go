package setup

// Labels are the security labels of the payload. An empty one leaves what the
// caller has; one that the kernel's security modules can't give is an error.
type Labels struct {
	// SELinux is the context that the payload's program runs in
	// (user:role:type:level). The policy must let the caller's domain enter it,
	// under no_new_privs (nnp_transition) and from nosuid mounts
	// (nosuid_transition).
	SELinux string `json:"selinux,omitempty"`

	// AppArmor is the loaded profile that the payload's program runs under.
	AppArmor string `json:"apparmor,omitempty"`

	// Mount is the SELinux context of every file in the file systems that are
	// made for the jail: tmpfs, devpts (mount(8), context=).
	Mount string `json:"mount,omitempty"`
}

func (l *Labels) code(c *coder) {
	str(c, &l.SELinux)
	str(c, &l.AppArmor)
	str(c, &l.Mount)
}
