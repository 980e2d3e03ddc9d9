package setup

// Hooks are commands that jailspawn runs on the host, with the rights of its
// caller, each as a list of words and without a shell. In their environment is
// what [setup/spawn] tells of the jail: JAIL_NAME, JAIL_PID and so on.
//
// The zero value runs none. A hook that fails, or takes longer than Timeout,
// undoes the start.
type Hooks struct {
	PreStart  [][]string `json:"pre_start,omitempty"`  // before anything of the jail exists
	PostStart [][]string `json:"post_start,omitempty"` // when the payload runs its program
	PostStop  [][]string `json:"post_stop,omitempty"`  // when the jail is gone; a failure is reported

	// Timeout is how many milliseconds each may take; 0 means 30,000.
	Timeout uint32 `json:"timeout_ms,omitempty"`
}

// Empty reports whether there is nothing to run.
func (h *Hooks) Empty() bool {
	return len(h.PreStart)+len(h.PostStart)+len(h.PostStop) == 0
}

func (h *Hooks) code(c *coder) {
	list(c, &h.PreStart, codeWords)
	list(c, &h.PostStart, codeWords)
	list(c, &h.PostStop, codeWords)
	num(c, &h.Timeout)
}

func codeWords(c *coder, words *[]string) { list(c, words, str[string]) }
