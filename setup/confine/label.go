package confine

import (
	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/mountfd"
)

// Labels asks the security modules to change the label of this thread's next
// program: the payload's. It comes before capabilities go.
func Labels(l *setup.Labels) error {
	if l.SELinux == "" && l.AppArmor == "" {
		return nil
	}
	proc, err := openProc()
	if err != nil {
		return setup.Fail("label", "proc", err)
	}
	defer unix.Close(proc)
	if l.SELinux != "" {
		if err := writeAttr(proc, l.SELinux, "thread-self/attr/exec"); err != nil {
			return labelError(l.SELinux, err, "the loaded policy has no such context, or forbids the caller to use it: see seinfo and ausearch -m avc")
		}
	}
	if l.AppArmor != "" {
		// attr/exec belongs to the first module that was built in; AppArmor has
		// its own place since Linux 5.8.
		if err := writeAttr(proc, "exec "+l.AppArmor, "thread-self/attr/apparmor/exec"); err != nil {
			return labelError(l.AppArmor, err, "load the profile with apparmor_parser; aa-status lists those that are loaded")
		}
	}
	return nil
}

// openProc makes a proc that nothing covers. A second stage in a user namespace
// inside the jail's may not; it takes the jail's, if it is one.
func openProc() (int, error) {
	proc, err := mountfd.New("proc", "proc", unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOEXEC)
	if err != unix.EPERM {
		return proc, err
	}
	proc, err = unix.Open("/proc", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return -1, err
	}
	return proc, isProc(proc)
}

func isProc(fd int) error {
	var fs unix.Statfs_t
	err := unix.Fstatfs(fd, &fs)
	if err == nil && fs.Type != unix.PROC_SUPER_MAGIC {
		err = unix.ENODEV
	}
	return err
}

func writeAttr(proc int, value, name string) error {
	fd, err := unix.Openat(proc, name, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err = isProc(fd); err == nil {
		_, err = unix.Write(fd, []byte(value))
	}
	return err
}

func labelError(label string, err error, hint string) error {
	e := setup.Fail("label", label, err).(*setup.Error)
	e.Hint = hint
	return e
}
