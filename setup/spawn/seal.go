package spawn

import (
	"bytes"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/mountfd"
	"github.com/jailspawn/jailspawn/setup/spawn/named"
)

// sealed returns a descriptor of jailinit through which the payload can't write
// to the file, or init itself where the file's permissions see to that.
//
// A process can get at the program of another by /proc/PID/exe, which leads out
// of the jail, and write to it once nobody executes it any more: as root, or as
// the user who owns the binary, to what the host executes next
// (CVE-2019-5736). jailinit is not dumpable, which stops all but those who have
// CAP_SYS_PTRACE. These, whoever is the host's root, and jails that exec enters,
// where a script of the jail can have jailinit executed again
// (#!/proc/self/exe), get a jailinit that can't be written by anybody.
func sealed(init int, p *setup.Plan, c *caller) (int, error) {
	var st unix.Stat_t
	if err := unix.Fstat(init, &st); err != nil {
		return init, setup.Fail("jailinit", "", err)
	}
	if !wantsSeal(p, c, st.Uid) {
		return init, nil
	}
	var fd int
	var err error
	if c.root() {
		fd, err = readOnlyMount(init)
	} else {
		fd, err = sealedFile(init, st.Size)
	}
	unix.Close(init)
	if err != nil {
		e := setup.Fail("jailinit", "seal", err).(*setup.Error)
		e.Hint = "let jailinit belong to a user whose id the jail doesn't have"
		return -1, e
	}
	return fd, nil
}

// wantsSeal reports whether the payload may get at the file of a jailinit that
// belongs to uid.
func wantsSeal(p *setup.Plan, c *caller, uid uint32) bool {
	return reaches(p, uid) && (c.root() || traces(p) || p.Name != "")
}

// reaches reports whether a process of the jail may have the host's uid.
func reaches(p *setup.Plan, uid uint32) bool {
	if p.Shares(setup.UserNS) {
		return true
	}
	for _, m := range p.IDs.UIDs {
		if uid >= m.Outside && uid-m.Outside < m.Count {
			return true
		}
	}
	return false
}

// traces reports whether the payload can look into jailinit.
func traces(p *setup.Plan) bool {
	mask, _ := setup.CapabilityMask(p.Process.Capabilities)
	more, _ := setup.CapabilityMask(p.Process.Bounding)
	return (mask|more)&(1<<unix.CAP_SYS_PTRACE) != 0
}

// readOnlyMount returns the file on a read-only mount that is in no namespace
// once its descriptor is closed, so that nobody can make it writable. It takes
// two system calls and no copy.
func readOnlyMount(init int) (int, error) {
	fd, err := mountfd.Clone(init, "", false)
	if err != nil {
		return -1, err
	}
	attr := mountfd.Attr{Set: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV, Propagation: unix.MS_PRIVATE}
	if err := mountfd.Set(fd, attr); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// sealedFile returns jailinit as a file in memory that the kernel lets nobody
// change (memfd_create(2), fcntl(2) F_ADD_SEALS): an ordinary user can't make
// mounts before the clone. One that a running jail executes serves the next as
// well, so that it takes memory once and not for each jail.
func sealedFile(init int, size int64) (int, error) {
	source, err := unix.Open("/proc/self/fd/"+strconv.Itoa(init), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(source)
	if dir, err := named.OpenExisting(); err == nil {
		defer dir.Close()
		if fd := dir.Program(func(program int) bool { return isCopy(program, source, size) }); fd >= 0 {
			return fd, nil
		}
	}
	return sealedCopy(source, size)
}

const seals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE

// isCopy reports whether a file is sealed and has the content of source.
func isCopy(file, source int, size int64) bool {
	var st unix.Stat_t
	if have, err := unix.FcntlInt(uintptr(file), unix.F_GET_SEALS, 0); err != nil || have&seals != seals {
		return false
	}
	if unix.Fstat(file, &st) != nil || st.Size != size {
		return false
	}
	var a, b [64 << 10]byte
	for at := int64(0); at < size; {
		n, err := unix.Pread(file, a[:], at)
		if err != nil || n == 0 {
			return false
		}
		if m, err := unix.Pread(source, b[:n], at); err != nil || m != n || !bytes.Equal(a[:n], b[:n]) {
			return false
		}
		at += int64(n)
	}
	return true
}

// sealedCopy makes such a file. It takes 0.4 ms.
func sealedCopy(source int, size int64) (int, error) {
	flags := unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate("jailinit", flags|unix.MFD_EXEC)
	if err == unix.EINVAL { // before Linux 6.3 all of them could be executed
		fd, err = unix.MemfdCreate("jailinit", flags)
	}
	if err != nil {
		return -1, err
	}
	for left := size; left > 0 && err == nil; {
		var n int
		if n, err = unix.Sendfile(fd, source, nil, int(left)); n == 0 && err == nil {
			err = unix.EIO
		}
		left -= int64(n)
	}
	if err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals)
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}
