package setup

// Terminal says when the payload gets a pseudoterminal of the jail's own
// (pty(7)). It is opened in the jail's devpts; jailspawn relays between it and
// the caller's terminal, which the payload then can't touch.
type Terminal string

const (
	// TerminalNever leaves descriptors 0 to 2 as they are.
	TerminalNever Terminal = ""
	// TerminalAuto replaces those that are terminals, if 0 and 1 both are. A
	// pipeline keeps its pipes, and the keyboard is left to its other members.
	TerminalAuto Terminal = "auto"
	// TerminalAlways replaces all three.
	TerminalAlways Terminal = "always"
)
