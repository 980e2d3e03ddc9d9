package spawn

import (
	"errors"
	"math"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/spawn/early"
	"github.com/jailspawn/jailspawn/setup/spawn/named"
)

// rangesFile has a byte for each range of ids, which is locked while a jail has
// that range. The file stays, and no jail can have its name. It is where it is
// whatever JAILSPAWN_RUNTIME_DIR says, as the ids are there but once.
const rangesFile = named.RootPath + "/.ids"

// takeRange finds a range of ids that no other jail has. The lock is one of
// fcntl(2) that belongs to the open file (F_OFD_SETLK, Linux 3.15), on a file
// that only root can open: nobody else can hold a range, execve(2) keeps it, and
// the kernel frees it however this process ends.
//
// Uid 0 of a user namespace with ids of its own may have no such file, as /run
// is the host's, or read-only. Only there a bound abstract socket is the lock
// instead, one for all who share the network namespace. It keeps jails apart as
// well; but its name can be taken by any user, who can so keep jails from being
// started: that is told, and who it is can be seen.
func (c *caller) takeRange() (lock int, base uint32, err error) {
	lock, err = openRanges()
	if err == nil {
		return firstFree(lock, lockByte, "end one of the jails that root runs")
	}
	if c.hasAllIDs() || !beyondReach(err) {
		return -1, 0, err
	}
	lock, err = unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, 0, setup.Fail("ids", "", err)
	}
	return firstFree(lock, bindName, "who holds their names, the abstract sockets @jailspawn/ids/*, is told by ss -xlp; end it, or make "+named.RootPath+" writable")
}

// hasAllIDs reports whether the caller's ids are those of the host.
func (c *caller) hasAllIDs() bool {
	return len(c.uids) == 1 && c.uids[0] == setup.IDMap{Count: math.MaxUint32}
}

// openRanges opens the file of the ranges, and makes it and its directory if
// need be. What others than root could have put there is refused.
func openRanges() (int, error) {
	fail := func(target string, err error) (int, error) {
		e := setup.Fail("ids", target, err).(*setup.Error)
		e.Step = "ids"
		e.Hint = "which ids are taken is kept there: it has to be root's, closed to others and writable"
		return -1, e
	}
	if err := named.Make(named.RootPath, 0); err != nil {
		return fail(named.RootPath, err)
	}
	fd, err := unix.Open(rangesFile, unix.O_RDWR|unix.O_CREAT|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return fail(rangesFile, err)
	}
	var st unix.Stat_t
	err = unix.Fstat(fd, &st)
	if err == nil && (st.Mode&unix.S_IFMT != unix.S_IFREG || st.Uid != 0 || st.Mode&0o077 != 0 || st.Nlink != 1) {
		err = errors.New("is no file of root's alone")
	}
	if err != nil {
		unix.Close(fd)
		return fail(rangesFile, err)
	}
	return fd, nil
}

// beyondReach reports whether root of this user namespace can have no file of
// the ranges, because of an error: it is not his to make, or /run/jailspawn is
// that of a root outside.
func beyondReach(err error) bool {
	for _, e := range []unix.Errno{unix.EACCES, unix.EPERM, unix.EROFS, unix.ENOENT} {
		if errors.Is(err, e) {
			return true
		}
	}
	var st unix.Stat_t
	return unix.Lstat(named.RootPath, &st) == nil && st.Uid != 0
}

// firstFree takes a range: that of this process's id, as package early does, or
// the next that is free.
func firstFree(lock int, take func(lock int, slot uint32) error, hint string) (_ int, base uint32, err error) {
	for try := range uint32(early.RangeCount) {
		slot := (uint32(os.Getpid()) + try) % early.RangeCount
		err = take(lock, slot)
		if err == nil {
			return lock, rangeBase(slot), nil
		}
		if err != unix.EAGAIN && err != unix.EADDRINUSE {
			break
		}
	}
	unix.Close(lock)
	if err == unix.EAGAIN || err == unix.EADDRINUSE { // another jail's, as are all
		return -1, 0, &setup.Error{Step: "ids", Detail: "no range of ids is free", Hint: hint}
	}
	return -1, 0, setup.Fail("ids", "", err)
}

func rangeBase(slot uint32) uint32 { return early.RangeFirst + slot*early.RangeSize }

func lockByte(file int, slot uint32) error {
	return unix.FcntlFlock(uintptr(file), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK, Start: int64(slot), Len: 1})
}

func bindName(socket int, slot uint32) error {
	return unix.Bind(socket, &unix.SockaddrUnix{Name: "@jailspawn/ids/" + strconv.FormatUint(uint64(rangeBase(slot)), 10)})
}
