package spawn

import (
	"bytes"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/mountfd"
)

// images are the file systems that an image may hold, by what stands at an
// offset of it.
var images = []struct {
	fstype   string
	offset   int64
	magic    string
	readOnly []mountfd.Option // what a read-only mount needs beside "ro"
}{
	{"squashfs", 0, "hsqs", nil},
	{"erofs", 1024, "\xe2\xe1\xf5\xe0", nil},
	// A journal that wants to be replayed can't be, on a read-only device.
	{"ext4", 1024 + 56, "\x53\xef", []mountfd.Option{{Key: "noload"}}},
}

// isImage reports whether the source of a root is a file and no directory. A
// source that can't be looked at is left to the mount to complain about.
func isImage(source string) bool {
	var st unix.Stat_t
	return source != "" && unix.Stat(source, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFREG
}

// imageNeedsRoot is what an ordinary user is told.
func imageNeedsRoot(source string) error {
	return &setup.Error{
		Step: "root", Target: source, Detail: "an image is mounted through a loop device, which needs root", Errno: unix.EPERM,
		Hint: "unpack it to a directory (unsquashfs, debugfs rdump, fsck.erofs --extract), or run as root",
	}
}

// mountImage returns a detached mount of the file system in an image. Its loop
// device frees itself with the last mount of it, however the jail ends
// (LO_FLAGS_AUTOCLEAR of loop(4)).
func mountImage(m *setup.Mount) (int, error) {
	fail := func(detail string, err error) error {
		e := setup.Fail("root", m.Source, err).(*setup.Error)
		if e.Detail == "" {
			e.Detail = detail
		}
		return e
	}
	place, err := mountfd.OpenSource(m.Source)
	if err != nil {
		return -1, fail("image", err)
	}
	defer unix.Close(place)
	flags := unix.O_RDWR
	if m.ReadOnly {
		flags = unix.O_RDONLY
	}
	image, err := unix.Open("/proc/self/fd/"+strconv.Itoa(place), flags|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fail("image", err)
	}
	defer unix.Close(image)
	fstype, options, err := imageType(image)
	if err != nil {
		return -1, fail("image", err)
	}
	device, name, err := attachLoop(image, m.ReadOnly)
	if err != nil {
		return -1, fail("loop device", err)
	}
	defer unix.Close(device)
	attr := int(m.Attributes())
	if m.ReadOnly {
		options = append(options, mountfd.Option{Key: "ro"})
	} else {
		options = nil
	}
	fd, err := mountfd.New(fstype, name, attr, options...)
	if err != nil {
		e := fail("image of "+fstype, err).(*setup.Error)
		e.Hint = "the image may be damaged or of a newer format; the kernel's log says more"
		return -1, e
	}
	return fd, nil
}

func imageType(fd int) (fstype string, readOnly []mountfd.Option, err error) {
	head := make([]byte, 4096)
	n, err := unix.Pread(fd, head, 0)
	if err != nil {
		return "", nil, err
	}
	for _, i := range images {
		if n > int(i.offset) && bytes.HasPrefix(head[i.offset:n], []byte(i.magic)) {
			return i.fstype, i.readOnly, nil
		}
	}
	return "", nil, &setup.Error{
		Step: "root", Detail: "no image of a file system that can be a root",
		Hint: "known are ext4, squashfs and erofs, without a partition table",
	}
}

// attachLoop makes the image a block device (loop(4); LOOP_CONFIGURE is of
// Linux 5.8). The device lives at least as long as its descriptor.
func attachLoop(image int, readOnly bool) (device int, name string, err error) {
	control, err := unix.Open("/dev/loop-control", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, "", err
	}
	defer unix.Close(control)
	config := &unix.LoopConfig{Fd: uint32(image), Info: unix.LoopInfo64{Flags: unix.LO_FLAGS_AUTOCLEAR}}
	flags := unix.O_RDWR
	if readOnly {
		config.Info.Flags |= unix.LO_FLAGS_READ_ONLY
		flags = unix.O_RDONLY
	}
	for range 64 {
		n, err := unix.IoctlRetInt(control, unix.LOOP_CTL_GET_FREE)
		if err != nil {
			return -1, "", err
		}
		name = "/dev/loop" + strconv.Itoa(n)
		device, err = unix.Open(name, flags|unix.O_CLOEXEC, 0)
		if err != nil {
			return -1, "", err
		}
		err = unix.IoctlLoopConfigure(device, config)
		if err == nil {
			return device, name, nil
		}
		unix.Close(device)
		if err != unix.EBUSY { // EBUSY: somebody else was faster
			return -1, "", err
		}
	}
	return -1, "", unix.EBUSY
}
