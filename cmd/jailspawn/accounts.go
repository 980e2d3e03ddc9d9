package main

import (
	"io"
	"iter"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// Names of users and groups are those of the jail's own /etc/passwd and
// /etc/group. A root may hold anything under these names, so they are opened
// as the jail would see them: links can't lead out, and nothing but a regular
// file is read.

// maxAccounts bounds the files that are read.
const maxAccounts = 4 << 20

// An account is a line of passwd(5).
type account struct {
	name     string
	uid, gid uint32
	home     string
	shell    string
}

// A group is a line of group(5).
type group struct {
	name    string
	gid     uint32
	members []string
}

// records splits the lines of passwd(5) or group(5), and passes over those with
// another number of fields.
func records(text string, fields int) iter.Seq[[]string] {
	return func(yield func([]string) bool) {
		for line := range strings.Lines(text) {
			f := strings.Split(strings.TrimSuffix(line, "\n"), ":")
			if len(f) == fields && !yield(f) {
				return
			}
		}
	}
}

// findAccount looks a user up by name or, where spec is a number, by id. Lines
// with ids that are no numbers are passed over.
func findAccount(passwd, spec string) (account, bool) {
	id, isNumber := parseID(spec)
	for f := range records(passwd, 7) {
		if f[0] == "" {
			continue
		}
		uid, ok := parseID(f[2])
		gid, ok2 := parseID(f[3])
		if ok && ok2 && (f[0] == spec || (isNumber && uid == id)) {
			return account{name: f[0], uid: uid, gid: gid, home: f[5], shell: f[6]}, true
		}
	}
	return account{}, false
}

func parseGroups(text string) (groups []group) {
	for f := range records(text, 4) {
		if gid, ok := parseID(f[2]); ok && f[0] != "" {
			groups = append(groups, group{f[0], gid, strings.Split(f[3], ",")})
		}
	}
	return groups
}

// parseID reads an id; the last number means "no change" to the kernel.
func parseID(s string) (uint32, bool) {
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err == nil && n < 1<<32-1
}

// readInRoot reads the file that the jail will have at name. root is a
// directory of the host; the mounts come on top of it.
func readInRoot(root string, mounts []setup.Mount, name string) (string, error) {
	base, rest := root, name
	for _, m := range slices.Backward(mounts) {
		if !beneath(name, m.Target) {
			continue
		}
		switch {
		case m.Type == setup.File && m.Target == name:
			return m.Content, nil
		case m.Type == setup.Bind && m.Source != "":
			base, rest = m.Source, strings.TrimPrefix(name, m.Target)
		default:
			return "", unix.ENOENT
		}
		break
	}
	dir, err := unix.Open(base, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(dir)
	file := dir
	if rest != "" {
		if file, err = openInRoot(dir, strings.TrimPrefix(rest, "/")); err != nil {
			return "", err
		}
		defer unix.Close(file)
	}
	return readRegular(file)
}

// openInRoot looks a name up as if dir were the root. The kernel gives up with
// EAGAIN on a ".." while something is renamed or mounted anywhere (openat2(2)).
func openInRoot(dir int, name string) (fd int, err error) {
	for range 100 {
		fd, err = unix.Openat2(dir, name, &unix.OpenHow{
			Flags:   unix.O_PATH | unix.O_CLOEXEC,
			Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
		})
		if err != unix.EAGAIN && err != unix.EINTR {
			break
		}
	}
	return fd, err
}

// readRegular reads what an O_PATH descriptor refers to. It is opened only when
// it is known to be a file: opening a device or a pipe can have effects.
func readRegular(fd int) (string, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return "", err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return "", &setup.Error{Step: "user", Detail: "it is no regular file"}
	}
	f, err := os.Open("/proc/self/fd/" + strconv.Itoa(fd))
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxAccounts+1))
	if err == nil && len(data) > maxAccounts {
		err = &setup.Error{Step: "user", Detail: "it is larger than 4 MiB"}
	}
	return string(data), err
}
