package setup

// Life says how signals reach the payload and how the jail ends.
type Life struct {
	// SignalGroup sends forwarded signals to the payload's process group, not
	// to the payload alone. What a user types at a terminal always goes to the
	// group, as the kernel would have it.
	SignalGroup bool `json:"signal_group,omitempty"`

	// SignalMap replaces signals on their way to the payload.
	SignalMap []SignalRewrite `json:"signal_map,omitempty"`

	// OKStatus lists exit statuses of jailspawn that it turns into 0, such as
	// 143 for a payload that ends by SIGTERM when told to.
	OKStatus []int `json:"ok_status,omitempty"`

	// Grace is how long, in milliseconds, the processes that the payload leaves
	// behind have between SIGTERM and SIGKILL. 0 means SIGKILL at once.
	Grace uint32 `json:"grace_ms,omitempty"`

	// WaitAll keeps the jail until the last process has ended by itself;
	// signals that come when the payload is gone go to all that are left.
	WaitAll bool `json:"wait_all,omitempty"`
}

// A SignalRewrite turns one signal into another. To 0 drops it.
type SignalRewrite struct {
	From int `json:"from"`
	To   int `json:"to"`
}

// LastSignal is the highest signal number (signal(7)).
const LastSignal = 64

// Rewrite returns what becomes of a signal on its way to the payload; 0 is
// nothing.
func (l *Life) Rewrite(sig int) int {
	for _, r := range l.SignalMap {
		if r.From == sig {
			return r.To
		}
	}
	return sig
}

// OK reports whether an exit status counts as success.
func (l *Life) OK(status int) bool {
	for _, ok := range l.OKStatus {
		if ok == status {
			return true
		}
	}
	return status == 0
}

func (l *Life) code(c *coder) {
	flag(c, &l.SignalGroup)
	list(c, &l.SignalMap, func(c *coder, r *SignalRewrite) { num(c, &r.From); num(c, &r.To) })
	list(c, &l.OKStatus, num[int])
	num(c, &l.Grace)
	flag(c, &l.WaitAll)
}
