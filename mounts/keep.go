package mounts

import (
	"path"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/mountfd"
)

// Keep makes what stands at the target a mount of its own, so that it can't be
// moved away, removed or replaced, and read-only, unless it is a directory and
// m is not read-only. A symbolic link is kept with what it leads to. An empty
// directory without write permission, which is what jailspawn puts into a
// missing place, is covered; no other place may be missing, unless nothing can
// be made there.
//
// The directories above the target, up to the mount that it lies on, become
// mounts as well: to move one would move the target.
func (t *Tree) Keep(m *setup.Mount) error {
	err := t.keep(m)
	if err == nil {
		return nil
	}
	e := setup.Fail("keep", m.Target, err).(*setup.Error)
	e.Step, e.Target = "keep", m.Target
	return e
}

func (t *Tree) keep(m *setup.Mount) error {
	if dir := path.Dir(m.Target); dir != t.keptDir {
		if err := t.pin(dir); err != nil {
			return err
		}
		t.rememberKept(dir)
	}
	if t.keptDir != "" && m.Content == "" {
		if done, err := t.keepPlace(path.Base(m.Target)); done {
			return err
		}
	}
	fd, err := t.openHow(m.Target, unix.O_PATH|unix.O_NOFOLLOW, 0)
	if err == unix.ENOENT || err == unix.ENOTDIR {
		return t.keepMissing(m.Target)
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFLNK:
		return t.keepLink(m, fd)
	case unix.S_IFDIR:
		if setup.Placeholder(st.Mode) && empty(fd) {
			return t.cover(fd)
		}
		return t.onItself(fd, m.ReadOnly)
	}
	if m.Content != "" && setup.Placeholder(st.Mode) && st.Size == int64(len(m.Content)+1) {
		return t.keepFile(m, fd)
	}
	return t.onItself(fd, true)
}

// rememberKept keeps a directory that is pinned, as the next name to be kept is
// most often beside this one, until a mount may have covered it.
func (t *Tree) rememberKept(dir string) {
	t.forgetKept()
	fd, err := t.openHow(dir, unix.O_PATH|unix.O_DIRECTORY, unix.RESOLVE_NO_SYMLINKS)
	if err == nil {
		t.keptDir, t.kept = dir, fd
	}
}

func (t *Tree) forgetKept() {
	if t.keptDir != "" {
		unix.Close(t.kept)
		t.keptDir = ""
	}
}

// keepPlace covers what jailspawn puts into a missing place, in the directory
// that is remembered; this is the way of nearly all names. Anything else, not
// done here, needs a closer look.
func (t *Tree) keepPlace(base string) (done bool, err error) {
	flags := unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC
	fd, err := unix.Openat(t.kept, base, flags, 0)
	if err != nil {
		return false, nil
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || !setup.Placeholder(st.Mode) || !noEntry(fd) {
		return false, nil
	}
	blank, err := t.blank()
	if err != nil {
		return true, err
	}
	defer unix.Close(blank)
	return true, mountfd.Attach(blank, fd)
}

// keepFile covers what jailspawn put there by a file of the jail's own, as the
// payload could lock what the host needs to remove.
func (t *Tree) keepFile(m *setup.Mount, target int) error {
	own := setup.Mount{Content: m.Content + "\n", Mode: 0o444}
	fd, err := t.stagedFile(&own)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := mountfd.Set(fd, mountfd.Attr{Set: unix.MOUNT_ATTR_RDONLY}); err != nil {
		return err
	}
	return t.attachTo(fd, target)
}

// keepMissing accepts that nothing stands at a name where nothing can be made;
// in a file system of the jail's own an empty directory is put there.
func (t *Tree) keepMissing(name string) error {
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		fd, err := t.open(dir)
		if err == unix.ENOENT || err == unix.ENOTDIR {
			name = dir
			continue
		}
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		if readOnly(fd) {
			return nil
		}
		if !t.owns(fd) {
			return &setup.Error{
				Step: "keep", Detail: "nothing stands at " + name, Errno: unix.ENOENT,
				Hint: "was it removed while the jail was made? what is shown by descriptor can't be kept where it is missing",
			}
		}
		made, err := t.dir(name, 0o555)
		if err != nil {
			return err
		}
		defer unix.Close(made)
		return t.cover(made)
	}
}

// keepLink keeps a symbolic link and what it leads to, which has to exist and
// to be no link itself.
func (t *Tree) keepLink(m *setup.Mount, link int) error {
	buf := make([]byte, 4096)
	n, err := unix.Readlinkat(link, "", buf)
	if err != nil {
		return err
	}
	name := string(buf[:n])
	if !path.IsAbs(name) {
		name = path.Join(path.Dir(m.Target), name)
	}
	unclear := &setup.Error{
		Step: "keep", Detail: "it is a link to " + name, Errno: unix.ELOOP,
		Hint: "which is missing or reached over another link; make it lead to a file or directory that exists",
	}
	if err := t.onItself(link, true); err != nil {
		return err
	}
	if err := t.pin(path.Dir(name)); err != nil {
		return err
	}
	end, err := t.openHow(name, unix.O_PATH, unix.RESOLVE_NO_SYMLINKS)
	if err == unix.ENOENT && !t.hostWritable(path.Dir(name)) {
		return nil // nothing that is made there reaches the host
	}
	if err != nil {
		return unclear
	}
	defer unix.Close(end)
	whole, err := t.open(m.Target)
	if err != nil {
		return err
	}
	defer unix.Close(whole)
	if same, err := sameMount(end, "", whole); err != nil || !same {
		return unclear
	}
	return t.onItself(end, m.ReadOnly)
}

// pin makes each directory from the mount that dir lies on down to dir itself a
// mount of its own, unless nothing can be moved there.
func (t *Tree) pin(dir string) error {
	if dir == "/" {
		return nil
	}
	fd, err := t.openHow(dir, unix.O_PATH, unix.RESOLVE_NO_SYMLINKS)
	if err == unix.ENOENT || err == unix.ENOTDIR {
		return t.pin(path.Dir(dir)) // whatever may be made there is looked at by keep
	}
	if err == unix.ELOOP {
		if !t.hostWritable(dir) {
			return nil
		}
		return &setup.Error{Step: "keep", Detail: dir + " leads over a symbolic link", Errno: unix.ELOOP, Hint: "name the place itself"}
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var st unix.Statx_t
	if err := unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_INO, &st); err != nil {
		return err
	}
	if st.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0 || readOnly(fd) {
		return nil
	}
	if err := t.pin(path.Dir(dir)); err != nil {
		return err
	}
	again, err := t.open(dir) // below the mounts that were just made
	if err != nil {
		return err
	}
	defer unix.Close(again)
	return t.onItself(again, false)
}

// hostWritable reports whether dir, or what is nearest to it above, is a
// directory of the host that is shown writable.
func (t *Tree) hostWritable(dir string) bool {
	for ; ; dir = path.Dir(dir) {
		fd, err := t.open(dir)
		if err == nil {
			defer unix.Close(fd)
			return !readOnly(fd) && !t.owns(fd)
		}
		if dir == "/" || err != unix.ENOENT {
			return true // who knows
		}
	}
}

// readOnly reports whether nothing can be written on the mount that fd lies on.
func readOnly(fd int) bool {
	var fs unix.Statfs_t
	return unix.Fstatfs(fd, &fs) == nil && fs.Flags&unix.ST_RDONLY != 0
}

// onItself puts a mount of itself on what target refers to, with all that is mounted
// below, and makes it read-only if that is asked for.
func (t *Tree) onItself(target int, ro bool) error {
	fd, err := mountfd.Clone(target, "", true)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if ro {
		if err := mountfd.Set(fd, mountfd.Attr{Set: unix.MOUNT_ATTR_RDONLY, Recursive: true}); err != nil {
			return err
		}
	}
	return t.attachTo(fd, target)
}

// empty reports whether a directory has no entry.
func empty(dir int) bool {
	fd, err := unix.Openat(dir, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	return noEntry(fd)
}

// noEntry is empty for a directory that is open for reading.
func noEntry(fd int) bool {
	var buf [1024]byte
	n, err := unix.ReadDirent(fd, buf[:])
	_, _, names := unix.ParseDirent(buf[:max(n, 0)], -1, nil)
	return err == nil && len(names) == 0
}
