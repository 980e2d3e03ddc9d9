// Package named knows the named jails of a user: it keeps their entries in the
// runtime directory, and lists, enters, signals and stops them.
//
// It runs on the host with the caller's rights. Nothing in an entry is believed
// because it stands there: the entry belongs to a running jail if, and only if,
// a lock on it is held, which the kernel frees however its holder ends; and a
// process is the recorded one only if its start time and the machine's boot id
// are. What a killed jailspawn left is removed by [Dir.Sweep].
package named

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/jailspawn/jailspawn/setup"
)

// A Dir is the runtime directory, with one entry for each named jail. It
// belongs to its user and is closed to others.
type Dir struct {
	path string
	root *os.Root
}

// RootPath is the runtime directory of root, where nothing else is said.
const RootPath = "/run/jailspawn"

// Path returns where the runtime directory of the calling user lies: in
// JAILSPAWN_RUNTIME_DIR, if that is set; else /run/jailspawn for root, and for
// anybody else jailspawn in XDG_RUNTIME_DIR, in /run/user/UID, or
// /tmp/jailspawn-UID.
func Path() string {
	uid := os.Geteuid()
	if dir := os.Getenv("JAILSPAWN_RUNTIME_DIR"); dir != "" {
		return filepath.Clean(dir)
	}
	if uid == 0 {
		return RootPath
	}
	for _, dir := range []string{os.Getenv("XDG_RUNTIME_DIR"), "/run/user/" + strconv.Itoa(uid)} {
		if info, err := os.Stat(dir); filepath.IsAbs(dir) && err == nil && owner(info) == uid {
			return filepath.Join(dir, "jailspawn")
		}
	}
	return "/tmp/jailspawn-" + strconv.Itoa(uid)
}

// Open opens the runtime directory and makes it if need be. One that belongs
// to somebody else, is open to others or is no directory is refused.
func Open() (*Dir, error) {
	path := Path()
	if err := Make(path, os.Geteuid()); err != nil {
		return nil, err
	}
	return open(path)
}

// Make makes a runtime directory of the caller's, if it is not there. One that
// does not belong to uid, is open to others or is no directory is refused.
func Make(path string, uid int) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.Mkdir(path, 0o700); err == nil || errors.Is(err, fs.ErrExist) {
			info, err = os.Lstat(path)
		}
	}
	if err != nil {
		return dirError(path, err)
	}
	return private(path, info, uid)
}

// OpenExisting is [Open] without making anything: nil where no jail was ever
// named.
func OpenExisting() (*Dir, error) {
	d, err := open(Path())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return d, err
}

// Close closes the directory.
func (d *Dir) Close() {
	if d != nil {
		_ = d.root.Close()
	}
}

func open(path string) (*Dir, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, dirError(path, err)
	}
	if err := private(path, info, os.Geteuid()); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, dirError(path, err)
	}
	opened, err := root.Stat(".")
	if err == nil && !os.SameFile(info, opened) {
		err = &setup.Error{Step: "runtime directory", Target: path, Detail: "was replaced while it was opened"}
	}
	if err != nil {
		_ = root.Close()
		return nil, dirError(path, err)
	}
	return &Dir{path: path, root: root}, nil
}

// private says what is wrong with a directory that has to be uid's own.
func private(path string, info fs.FileInfo, uid int) error {
	e := &setup.Error{Step: "runtime directory", Target: path}
	switch {
	case !info.IsDir():
		e.Detail, e.Hint = "is no directory", "remove it, or set JAILSPAWN_RUNTIME_DIR"
	case owner(info) != uid:
		e.Detail, e.Hint = "belongs to uid "+strconv.Itoa(owner(info)), "it isn't yours; set JAILSPAWN_RUNTIME_DIR to a directory of your own"
	case info.Mode().Perm()&0o077 != 0:
		e.Detail, e.Hint = "is open to other users", "chmod 700 "+path+", after a look at who wrote there"
	default:
		return nil
	}
	return e
}

func owner(info fs.FileInfo) int { return int(info.Sys().(*syscall.Stat_t).Uid) }

func dirError(path string, err error) error {
	e := setup.Fail("runtime directory", path, err).(*setup.Error)
	if errors.Is(err, fs.ErrPermission) && e.Hint == "" {
		e.Hint = "set JAILSPAWN_RUNTIME_DIR to a directory of your own"
	}
	return e
}
