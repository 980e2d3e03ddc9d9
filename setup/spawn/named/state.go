package named

import (
	"encoding/json"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// State is what an entry tells of its jail, as [Claim.Publish] wrote it.
type State struct {
	Name       string      `json:"name"`
	Build      string      `json:"build"`
	Boot       string      `json:"boot_id"`
	Started    time.Time   `json:"started"`
	Supervisor Process     `json:"supervisor"` // jailspawn
	Init       Process     `json:"init"`       // process 1 of the jail
	Log        string      `json:"log,omitempty"`
	Cgroup     string      `json:"cgroup,omitempty"` // its directory of version 2
	Plan       *setup.Plan `json:"plan"`             // as it was run
}

// A Jail is a named jail that was running when it was looked up.
type Jail struct {
	State

	dir  *Dir
	exit *os.File
}

// startTime bounds how long [Dir.Find] waits for a jail that is just starting.
const startTime = 5 * time.Second

// Find returns the running jail of a name.
func (d *Dir) Find(name string) (*Jail, error) {
	if problem := setup.NameProblem(name); problem != "" {
		return nil, &setup.Error{Step: "name", Target: strconv.Quote(name), Detail: problem, Status: setup.StatusMisuse}
	}
	none := &setup.Error{Step: "name", Target: name, Detail: "no jail of that name is running", Hint: "jailspawn ls lists them"}
	if d == nil {
		return nil, none
	}
	for end := time.Now().Add(startTime); d.locked(name); time.Sleep(5 * time.Millisecond) {
		j, err := d.jail(name)
		if err == nil {
			return j, nil
		}
		if !os.IsNotExist(err) || time.Now().After(end) {
			break
		}
	}
	return nil, none
}

// List returns the running jails in the order of their names.
func (d *Dir) List() ([]*Jail, error) {
	names, err := d.names()
	var jails []*Jail
	for _, name := range names {
		if j, err := d.jail(name); err == nil && d.locked(name) {
			jails = append(jails, j)
		}
	}
	return jails, err
}

// jail reads an entry and makes sure that its process is who it says. The file
// for the jail's end is opened before, so that it can be read when the entry
// is gone.
func (d *Dir) jail(name string) (*Jail, error) {
	exit, err := d.root.Open(name + "/" + exitFile)
	if err != nil {
		return nil, err
	}
	s, err := d.readState(name)
	if err == nil && !s.Supervisor.alive() {
		err = unix.ESRCH
	}
	if err != nil {
		_ = exit.Close()
		return nil, err
	}
	return &Jail{State: *s, dir: d, exit: exit}, nil
}

// readState reads an entry of this run of the machine.
func (d *Dir) readState(name string) (*State, error) {
	data, err := d.root.ReadFile(name + "/" + stateFile)
	if err != nil {
		return nil, err
	}
	s := new(State)
	if err := json.Unmarshal(data, s); err != nil {
		return nil, err
	}
	if s.Name != name || s.Boot != bootID() || s.Plan == nil {
		return nil, unix.ESTALE
	}
	return s, nil
}

// locked reports whether somebody holds the name. It asks without taking the
// lock, so as not to be taken for a holder.
func (d *Dir) locked(name string) bool {
	f, err := d.root.OpenFile(name+"/"+lockFile, os.O_RDWR, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	l := unix.Flock_t{Type: unix.F_WRLCK}
	err = unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, &l)
	return err == nil && l.Type != unix.F_UNLCK
}
