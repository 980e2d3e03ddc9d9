package setup

// Process is the payload of a jail and the state it starts with.
type Process struct {
	// Argv is the command. A first word without a slash is looked up in the
	// PATH of Env, inside the jail.
	Argv []string `json:"argv"`

	// Env is the whole environment, as NAME=VALUE.
	Env []string `json:"env,omitempty"`

	// Cwd is the working directory inside; empty means "/".
	Cwd string `json:"cwd,omitempty"`

	// UID, GID and Groups are ids inside the jail. Groups are
	// all supplementary ones; they can't be set where an ordinary user's map
	// denies setgroups(2).
	UID    uint32   `json:"uid"`
	GID    uint32   `json:"gid"`
	Groups []uint32 `json:"groups,omitempty"`

	// Umask is the file mode creation mask; nil means 022.
	Umask *uint32 `json:"umask,omitempty"`

	// Capabilities names what the payload may keep (capabilities(7)), without
	// the prefix "cap_". They stand in all five sets; the rest is in none.
	Capabilities []string `json:"capabilities,omitempty"`

	// Bounding names what stands in the bounding set besides: what a program
	// may gain by its set-user-ID bit or file capabilities. It goes with
	// AllowSetuid.
	Bounding []string `json:"bounding,omitempty"`

	// Securebits are set and locked (capabilities(7)): "noroot",
	// "no_setuid_fixup", "no_cap_ambient_raise".
	Securebits []string `json:"securebits,omitempty"`

	// AllowSetuid leaves out no_new_privs, so that set-user-ID bits and file
	// capabilities count, on mounts where Suid is set.
	AllowSetuid bool `json:"allow_setuid,omitempty"`

	// Rlimits are set before the payload starts (getrlimit(2)). Those that are
	// not listed are set to the usual defaults, below the caller's hard limits.
	Rlimits []Rlimit `json:"rlimits,omitempty"`

	// Seccomp says which system calls it may make.
	Seccomp Seccomp `json:"seccomp,omitzero"`

	// Landlock is a second wall.
	Landlock Landlock `json:"landlock,omitzero"`

	// Labels and Schedule are set just before the payload starts.
	Labels   Labels   `json:"labels,omitzero"`
	Schedule Schedule `json:"schedule,omitzero"`

	// PassFDs are descriptors of jailspawn that the payload gets under the same
	// number, beside 0, 1 and 2.
	PassFDs []int `json:"pass_fds,omitempty"`

	// Terminal says which of descriptors 0 to 2 become a terminal of the jail's
	// own.
	Terminal Terminal `json:"terminal,omitempty"`
}

func (p *Process) code(c *coder) {
	list(c, &p.Argv, str[string])
	list(c, &p.Env, str[string])
	str(c, &p.Cwd)
	num(c, &p.UID)
	num(c, &p.GID)
	list(c, &p.Groups, num[uint32])
	optional(c, &p.Umask, num[uint32])
	list(c, &p.Capabilities, str[string])
	list(c, &p.Bounding, str[string])
	list(c, &p.Securebits, str[string])
	flag(c, &p.AllowSetuid)
	list(c, &p.Rlimits, codeRlimit)
	p.Seccomp.code(c)
	p.Landlock.code(c)
	p.Labels.code(c)
	p.Schedule.code(c)
	list(c, &p.PassFDs, num[int])
	str(c, &p.Terminal)
}
