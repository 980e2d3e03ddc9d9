package named

import (
	"io/fs"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/spawn/hook"
)

// Sweep removes what jails left whose jailspawn was killed, and returns their
// names. Entries in use are left alone.
func (d *Dir) Sweep() ([]string, error) {
	if d == nil {
		return nil, nil
	}
	names, err := d.names()
	var swept []string
	for _, name := range names {
		if d.locked(name) {
			continue
		}
		c, err := d.lockEntry(name, false)
		if err != nil {
			continue // in use after all, gone, or not ours to touch
		}
		c.clean()
		c.Remove()
		swept = append(swept, name)
	}
	return swept, err
}

// names lists the entries in order.
func (d *Dir) names() ([]string, error) {
	if d == nil {
		return nil, nil
	}
	entries, err := fs.ReadDir(d.root.FS(), ".")
	if err != nil {
		return nil, dirError(d.path, err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && setup.NameProblem(e.Name()) == "" {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// endTime is how many milliseconds a killed process 1 may take to end; it waits
// for all processes of its jail.
const endTime = 5000

// clean undoes what the former jail of a claimed name left: its process 1, if
// that is still dying, what its last hooks undo, and the files of the entry.
func (c *Claim) clean() {
	if s, err := c.dir.readState(c.name); err == nil {
		if fd, err := s.Init.Open(); err == nil {
			_ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
			ended(fd, endTime)
			unix.Close(fd)
		}
		_ = hook.Run(hook.PostStop, s.Plan, 0) // whoever sweeps has no use for its error
	}
	c.empty()
}
