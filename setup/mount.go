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
	// File is a file of the jail's own with the given content.
	File MountType = "file"
)

// A Mount puts one thing into the jail's file system. Its target is resolved
// inside the new root, so that no symbolic link leads out of it; directories
// that are missing on the way are made.
//
// Device nodes don't work and set-user-ID bits have no effect on what is
// mounted, unless Dev or Suid says so.
type Mount struct {
	Type   MountType `json:"type"`
	Source string    `json:"source,omitempty"` // bind: a path of the host; symlink: its text
	Target string    `json:"target"`

	ReadOnly bool `json:"read_only,omitempty"` // submounts included
	NoExec   bool `json:"noexec,omitempty"`
	Dev      bool `json:"dev,omitempty"`  // device nodes work
	Suid     bool `json:"suid,omitempty"` // set-user-ID and file capabilities count

	// Optional skips the mount if, and only if, its source doesn't exist.
	Optional bool `json:"optional,omitempty"`

	// IDMap says as whom the files of a bind appear: one of the IDMap
	// constants. It needs CAP_SYS_ADMIN on the host (mount_setattr(2), Linux
	// 5.12).
	IDMap string `json:"idmap,omitempty"`

	Mode    uint32 `json:"mode,omitempty"`    // tmpfs, dir, file: permission bits; 0 means 0755, for a file 0644
	Size    uint64 `json:"size,omitempty"`    // tmpfs: bytes; 0 means the kernel's half of memory
	Content string `json:"content,omitempty"` // file

	// Prepared says that jailspawn passes this bind as a detached mount. Only
	// setup/spawn sets it.
	Prepared bool `json:"-"`
}

// Ways in which the ids of a bind mount are mapped.
const (
	// IDMapAuto is [IDMapJail] or [IDMapOwner] for a writable bind in a jail
	// with ids of its own, by whether the source is the caller's; else
	// [IDMapNone].
	IDMapAuto = ""
	// IDMapNone shows the owners as the jail's user namespace maps them.
	IDMapNone = "none"
	// IDMapJail makes an id on disk the same number inside.
	IDMapJail = "jail"
	// IDMapOwner makes the source's owner and group the payload's; all other
	// owners are unmapped.
	IDMapOwner = "owner"
)

// Root is the file system that becomes "/".
type Root struct {
	// Source is a directory of the host; empty means a new tmpfs.
	Source string `json:"source,omitempty"`
	// Writable leaves the root writable. By default it is made read-only
	// after the last mount.
	Writable bool `json:"writable,omitempty"`
	// IDMap and Prepared are as in [Mount].
	IDMap    string `json:"idmap,omitempty"`
	Prepared bool   `json:"-"`
}

// MOUNT_ATTR_* of mount_setattr(2).
const (
	attrReadOnly = 0x1
	attrNoSuid   = 0x2
	attrNoDev    = 0x4
	attrNoExec   = 0x8
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
		{!m.Dev, attrNoDev},
		{m.NoExec, attrNoExec},
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
	flag(c, &m.ReadOnly)
	flag(c, &m.NoExec)
	flag(c, &m.Dev)
	flag(c, &m.Suid)
	flag(c, &m.Optional)
	str(c, &m.IDMap)
	num(c, &m.Mode)
	num(c, &m.Size)
	str(c, &m.Content)
	flag(c, &m.Prepared)
}

func (r *Root) code(c *coder) {
	str(c, &r.Source)
	flag(c, &r.Writable)
	str(c, &r.IDMap)
	flag(c, &r.Prepared)
}
