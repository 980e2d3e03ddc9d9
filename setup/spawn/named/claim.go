package named

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// The files of an entry.
const (
	lockFile   = "lock"
	stateFile  = "state.json"
	socketFile = "socket"
	exitFile   = "exit" // how the jail ended, for those who wait; empty before
)

var (
	errBusy  = errors.New("locked")
	errMoved = errors.New("removed meanwhile")
)

// A Claim holds a name as long as the process lives that took it.
type Claim struct {
	// Listen is the jail's listening socket, for process 1 of the jail.
	Listen int

	dir   *Dir
	name  string
	entry *os.Root
	lock  *os.File
	exit  *os.File
}

// sweepTime bounds how long a name may be held by somebody who removes what a
// killed jailspawn left.
const sweepTime = 10 * time.Second

// Claim takes a name and makes its socket. A name in use is refused; of those
// who try at once exactly one gets it. What a jail of that name left behind is
// removed before.
func (d *Dir) Claim(name string) (*Claim, error) {
	if problem := setup.NameProblem(name); problem != "" {
		return nil, setup.Misuse("name", strconv.Quote(name)+" "+problem, "")
	}
	for end := time.Now().Add(sweepTime); ; time.Sleep(5 * time.Millisecond) {
		c, err := d.lockEntry(name, true)
		switch {
		case err == nil:
			c.clean()
			return c, c.furnish()
		case errors.Is(err, errMoved):
		case !errors.Is(err, errBusy):
			return nil, setup.Fail("name", name, err)
		case !d.beingSwept(name) || time.Now().After(end):
			return nil, &setup.Error{Step: "name", Target: name, Detail: "a jail of that name is running", Hint: "choose another, or stop it with jailspawn stop " + name}
		}
	}
}

// beingSwept reports whether the entry's jail is gone although it is locked, or
// it can't be told yet: whoever sweeps takes the lock of an entry that is just
// being made as well, for a moment.
func (d *Dir) beingSwept(name string) bool {
	s, err := d.readState(name)
	return errors.Is(err, fs.ErrNotExist) || err == nil && !s.Supervisor.alive()
}

// lockEntry opens an entry and locks it for the life of this process.
func (d *Dir) lockEntry(name string, make bool) (c *Claim, err error) {
	if make {
		if err := d.root.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	info, err := d.root.Lstat(name)
	if err == nil {
		err = private(d.path+"/"+name, info, os.Geteuid())
	}
	c = &Claim{dir: d, name: name, Listen: -1}
	if err == nil {
		c.entry, err = d.root.OpenRoot(name)
	}
	if err == nil {
		c.lock, err = c.entry.OpenFile(lockFile, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	}
	if err == nil {
		err = writeLock(c.lock)
	}
	if err == nil && !d.current(c) {
		err = errMoved
	}
	if make && errors.Is(err, fs.ErrNotExist) {
		err = errMoved
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// current reports whether the lock is still that of the name: its former
// holder may have removed the entry between our opening and locking it.
func (d *Dir) current(c *Claim) bool {
	ours, err := c.lock.Stat()
	if err != nil {
		return false
	}
	now, err := d.root.Lstat(c.name + "/" + lockFile)
	return err == nil && os.SameFile(ours, now)
}

// writeLock takes a lock that belongs to the open file (F_OFD_SETLK of
// fcntl(2), Linux 3.15): it survives execve(2), and can be asked for without
// being taken.
func writeLock(f *os.File) error {
	err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK})
	if err == unix.EAGAIN || err == unix.EACCES {
		return errBusy
	}
	return err
}

// furnish makes the socket and the file for the jail's end.
func (c *Claim) furnish() (err error) {
	defer func() {
		if err != nil {
			c.Remove()
		}
	}()
	if c.exit, err = c.entry.OpenFile(exitFile, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
		return setup.Fail("name", c.name, err)
	}
	if c.Listen, err = unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return setup.Fail("socket", "", err)
	}
	err = c.dir.inEntry(c.entry, func(dir string) error {
		return unix.Bind(c.Listen, &unix.SockaddrUnix{Name: dir + "/" + socketFile})
	})
	if err == nil {
		err = unix.Listen(c.Listen, 64)
	}
	return setup.Fail("socket", "", err)
}

// inEntry calls f with a path of the entry that is short enough for a socket's
// address, and leads to this entry whatever happens to its name.
func (*Dir) inEntry(entry *os.Root, f func(dir string) error) error {
	dir, err := entry.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close()
	return f("/proc/self/fd/" + strconv.Itoa(int(dir.Fd())))
}

// Publish writes what is known of the jail, once its process 1 exists.
func (c *Claim) Publish(s *State) error {
	unix.Close(c.Listen) // process 1 has it
	c.Listen = -1
	self, err := Identify(os.Getpid())
	if err != nil {
		return err
	}
	s.Name, s.Build, s.Boot, s.Supervisor = c.name, setup.Build, bootID(), self
	data, err := json.MarshalIndent(s, "", "  ")
	if err == nil {
		err = c.entry.WriteFile(stateFile+".new", append(data, '\n'), 0o600)
	}
	if err == nil {
		err = c.entry.Rename(stateFile+".new", stateFile)
	}
	return setup.Fail("name", c.name, err)
}

// Lock returns the descriptor that holds the name. It does so as well in a
// program that this process executes, if it is kept open.
func (c *Claim) Lock() int { return int(c.lock.Fd()) }

// Adopt takes a claim over by its lock, with what it has published.
func (d *Dir) Adopt(name string, lock int) (*Claim, *State, error) {
	c := &Claim{dir: d, name: name, Listen: -1, lock: os.NewFile(uintptr(lock), lockFile)}
	var err error
	if c.entry, err = d.root.OpenRoot(name); err == nil && !d.current(c) {
		err = errMoved
	}
	if err == nil {
		c.exit, err = c.entry.OpenFile(exitFile, os.O_RDWR, 0)
	}
	var s *State
	if err == nil {
		s, err = d.readState(name)
	}
	if err != nil {
		c.Close()
		return nil, nil, setup.Fail("name", name, err)
	}
	return c, s, nil
}

// End tells those who wait how the jail ended.
func (c *Claim) End(e *setup.Event) {
	if c != nil {
		_, _ = c.exit.WriteAt(e.Encode(), 0)
	}
}

// Remove removes the entry and gives the name free. The lock goes last: it
// keeps others out until nothing is left. A nil claim has nothing to remove.
func (c *Claim) Remove() {
	if c == nil {
		return
	}
	c.empty()
	_ = c.entry.Remove(lockFile)
	_ = c.dir.root.Remove(c.name) // not empty: another has taken the name already
	c.Close()
}

// empty removes all files but the lock.
func (c *Claim) empty() {
	files, _ := fs.ReadDir(c.entry.FS(), ".")
	for _, f := range files {
		if f.Name() != lockFile {
			_ = c.entry.RemoveAll(f.Name())
		}
	}
}

// Close gives the name free and leaves the entry.
func (c *Claim) Close() {
	if c.entry != nil {
		_ = c.entry.Close()
	}
	for _, f := range []*os.File{c.lock, c.exit} {
		if f != nil {
			_ = f.Close()
		}
	}
	if c.Listen >= 0 {
		unix.Close(c.Listen)
		c.Listen = -1
	}
}
