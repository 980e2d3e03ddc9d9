package setup

// MountType says what a [Mount] puts at its target.
type MountType string

// The mount types.
const (
	// Bind shows a file or directory tree of the host, submounts included.
	Bind MountType = "bind"
	// Tmpfs is an empty file system in memory (tmpfs(5)).
	Tmpfs MountType = "tmpfs"
	// Proc is a fresh procfs of the jail's PID namespace (proc(5)).
	Proc MountType = "proc"
	// Dev is a small /dev: null zero full random urandom tty, the links fd
	// stdin stdout stderr ptmx, a devpts and a shm of the jail's own.
	Dev MountType = "dev"
	// Dir is an empty directory.
	Dir MountType = "dir"
	// Symlink is a symbolic link whose text is the source.
	Symlink MountType = "symlink"
	// File is a file of the jail's own with the given content. It takes the
	// place of a file or of a dangling link.
	File MountType = "file"
	// Mqueue shows the POSIX message queues of the jail (mq_overview(7)).
	Mqueue MountType = "mqueue"
	// Sys is the sysfs of the jail's network namespace, read-only (sysfs(5)).
	Sys MountType = "sys"
	// Device is one device node of the host.
	Device MountType = "device"
	// Mask hides what stands at the target: a file reads as empty, a directory
	// is empty. What doesn't exist needs no mask.
	Mask MountType = "mask"
	// Protect makes what stands at the target read-only in place, submounts
	// included.
	Protect MountType = "protect"
	// Keep makes sure that the payload doesn't change what name stands for:
	// what is there can't be written, moved away or replaced, and what is
	// missing can't be made. Where a directory of the host can be written, an
	// empty directory, or a file with the given content, stands in a missing
	// place as long as the jail runs, and so do the directories that lead there
	// if they are missing. With ReadOnly false a directory that
	// exists can be written below.
	Keep MountType = "keep"
)

// Placeholder reports whether something of these permissions may be what
// jailspawn puts into a missing place that is kept: nobody may write to that, by
// which jailinit knows it.
func Placeholder(mode uint32) bool { return mode&0o222 == 0 }

// MountTypes lists the mount types.
var MountTypes = []MountType{Bind, Tmpfs, Proc, Dev, Dir, Symlink, File, Mqueue, Sys, Device, Mask, Protect, Keep}

// Propagation says which later mounts cross between a bind mount and its
// source (mount_namespaces(7)). Empty means private.
type Propagation string

// The kinds of propagation.
const (
	Private    Propagation = "private"    // none
	Slave      Propagation = "slave"      // those of the host come in, with the flags that they have there
	Shared     Propagation = "shared"     // also the other way; needs root
	Unbindable Propagation = "unbindable" // none, and it can't be bound itself
)

// Propagations lists the kinds of propagation.
var Propagations = []Propagation{Private, Slave, Shared, Unbindable}

// A Mount puts one thing into the jail's file system. Its target is resolved
// inside the new root, so that no symbolic link leads out of it. A target that
// is missing, and directories on the way, are made in a file system of the
// jail's own, never on the host.
//
// Device nodes don't work and set-user-ID bits have no effect on what is
// mounted, unless Dev or Suid says so.
type Mount struct {
	Type   MountType `json:"type"`
	Source string    `json:"source,omitempty"` // bind, device: a path of the host; symlink: its text
	Target string    `json:"target"`

	// SourceFD is, for a bind, a descriptor of jailspawn that is the source
	// instead of a path.
	SourceFD *int `json:"source_fd,omitempty"`

	// Follow follows symbolic links in the source. By default only those that
	// stand in "/" itself are: any other may have been put there by a jail
	// that could write to its directory.
	Follow bool `json:"follow,omitempty"`

	ReadOnly bool `json:"read_only,omitempty"` // submounts included
	NoExec   bool `json:"noexec,omitempty"`
	NoATime  bool `json:"noatime,omitempty"`
	Dev      bool `json:"dev,omitempty"`  // device nodes work
	Suid     bool `json:"suid,omitempty"` // set-user-ID and file capabilities count

	// NonRecursive leaves out what is mounted below the source of a bind. It
	// needs root: it uncovers what the mounts hide.
	NonRecursive bool `json:"non_recursive,omitempty"`

	// Propagation is that of a bind.
	Propagation Propagation `json:"propagation,omitempty"`

	// Optional skips the mount if, and only if, its source doesn't exist; a
	// file, if the directory for it doesn't.
	Optional bool `json:"optional,omitempty"`

	// IDMap says as whom the files of a bind appear: one of the IDMap
	// constants. It needs CAP_SYS_ADMIN on the host (mount_setattr(2), Linux
	// 5.12).
	IDMap string `json:"idmap,omitempty"`

	// UID and GID own a tmpfs, as ids of the jail; 0 leaves it to the jail's
	// root, or to the only id there is.
	UID uint32 `json:"uid,omitempty"`
	GID uint32 `json:"gid,omitempty"`

	Mode    uint32 `json:"mode,omitempty"`    // tmpfs, dir, file: permission bits; 0 means 0755, for a file 0644
	Size    uint64 `json:"size,omitempty"`    // tmpfs: bytes; 0 means the kernel's half of memory
	Content string `json:"content,omitempty"` // file, keep

	// Subset "pid" leaves of a proc only the processes. HidePID hides the
	// processes of other users: noaccess, invisible or ptraceable (proc(5);
	// Linux 5.8).
	Subset  string `json:"subset,omitempty"`
	HidePID string `json:"hidepid,omitempty"`

	// Prepared says that jailspawn passes this bind as a detached mount. Expect
	// is what Source must be where a descriptor can't cross into the jail. Only
	// setup/spawn sets them.
	Prepared bool  `json:"-"`
	Expect   Inode `json:"-"`
}

// An Inode tells a file from all others. The zero value is any file.
type Inode struct{ Dev, Ino uint64 }

// Ways in which the ids of a bind mount are mapped.
const (
	// IDMapAuto is [IDMapJail] or [IDMapOwner] for the root, and for a writable
	// bind without device nodes, in a jail with ids of its own, by whether the
	// source is the caller's; else [IDMapNone], as for a read-only root whose
	// file system can't be id-mapped.
	IDMapAuto = ""
	// IDMapNone shows the owners as the jail's user namespace maps them.
	IDMapNone = "none"
	// IDMapJail makes an id on disk the same number inside.
	IDMapJail = "jail"
	// IDMapOwner makes the source's owner and group the payload's; all other
	// owners are unmapped.
	IDMapOwner = "owner"
)

// MOUNT_ATTR_* of mount_setattr(2).
const (
	attrReadOnly = 0x1
	attrNoSuid   = 0x2
	attrNoDev    = 0x4
	attrNoExec   = 0x8
	attrNoATime  = 0x10
)

// Attributes returns the MOUNT_ATTR_* bits that the mount has set.
func (m *Mount) Attributes() uint64 {
	var attr uint64
	for _, a := range []struct {
		set bool
		bit uint64
	}{
		{m.ReadOnly, attrReadOnly},
		{!m.Suid, attrNoSuid},
		{!m.Dev && m.Type != Device, attrNoDev},
		{m.NoExec || m.Type == Device, attrNoExec},
		{m.NoATime, attrNoATime},
	} {
		if a.set {
			attr |= a.bit
		}
	}
	return attr
}

func codeMount(c *coder, m *Mount) {
	str(c, &m.Type)
	str(c, &m.Source)
	str(c, &m.Target)
	optional(c, &m.SourceFD, num[int])
	flag(c, &m.Follow)
	flag(c, &m.ReadOnly)
	flag(c, &m.NoExec)
	flag(c, &m.NoATime)
	flag(c, &m.Dev)
	flag(c, &m.Suid)
	flag(c, &m.NonRecursive)
	str(c, &m.Propagation)
	flag(c, &m.Optional)
	str(c, &m.IDMap)
	num(c, &m.UID)
	num(c, &m.GID)
	num(c, &m.Mode)
	num(c, &m.Size)
	str(c, &m.Content)
	str(c, &m.Subset)
	str(c, &m.HidePID)
	flag(c, &m.Prepared)
	num(c, &m.Expect.Dev)
	num(c, &m.Expect.Ino)
}
