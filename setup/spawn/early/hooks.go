package early

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/nft/table"
)

// idleTable lies in the jail's own network namespace, without any effect there.
const idleTable = "jailspawn-idle"

// What the command line says of an interface is looked for before anything is
// known about it: by the time that it is, the hooks are in use.
func init() {
	if started.reap == 0 {
		return
	}
	if f := wantedHooks(os.Args[1:]); f != 0 {
		started.UseHooks(f)
	}
}

// wantedHooks returns whose packets the host will filter for a jail, or 0. A
// word may be the value of another flag; the hooks are then for nothing, and do
// no harm.
func wantedHooks(words []string) (f table.Family) {
	for i, w := range words {
		if w == "--" {
			break
		}
		flag, value, ok := strings.Cut(w, "=")
		if !ok && i+1 < len(words) {
			value = words[i+1]
		}
		switch {
		case flag == "--net" && value == "veth" && f == 0:
			f = table.IPv4
		case flag == "--ip" && f != 0 && strings.Contains(value, ":"):
			f = table.Both
		}
	}
	return f
}

// UseHooks has the jailinit take the hooks of packets into use, while it waits
// for its plan. The first table in the kernel that uses a hook has it rewrite
// its code for all processors, and so has the end of the last: 2 to 3 ms each for
// the hooks of a jail's table on the host, if the host has no filter of its own.
// With a table in the jail's namespace that happens while there is nothing else
// to do, and when the kernel frees the namespace, after the end of the jail.
//
// It is done once, and nothing on nil.
func (i *Init) UseHooks(f table.Family) {
	if i == nil || i.prefaced {
		return
	}
	i.prefaced = true
	_, _ = unix.Write(int(i.plan[1]), setup.Preface(table.Idle(idleTable, f)))
}
