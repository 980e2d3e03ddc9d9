package setup

// Root is the file system that becomes "/".
type Root struct {
	// Source is a directory of the host, or an image of a file system (ext4,
	// squashfs or erofs), which needs root. Empty means a new tmpfs.
	Source string `json:"source,omitempty"`

	// Writable leaves the root writable. By default it is made read-only
	// after the last mount.
	Writable bool `json:"writable,omitempty"`

	// Size limits the tmpfs that is the root, or that takes the writes of an
	// overlay: bytes; 0 means the kernel's half of memory.
	Size uint64 `json:"size,omitempty"`

	// Overlay makes a root with a source writable inside and leaves the source
	// untouched: writes go to a tmpfs of the jail's own, or to Upper. Mounts
	// below the source are not part of it (overlayfs, Linux 5.11 in a user
	// namespace).
	Overlay bool `json:"overlay,omitempty"`

	// Upper and Work are directories of the host, on one file system, for the
	// writes of an overlay and for its bookkeeping.
	Upper string `json:"upper,omitempty"`
	Work  string `json:"work,omitempty"`

	// Suid, Propagation and IDMap are as in [Mount].
	Suid        bool        `json:"suid,omitempty"`
	Propagation Propagation `json:"propagation,omitempty"`
	IDMap       string      `json:"idmap,omitempty"`

	// Prepared says that jailspawn passes the source as a detached mount, and
	// behind it [Root.UpperDir] if there is an Upper. Only setup/spawn sets it.
	Prepared bool `json:"-"`
}

// Own reports whether files can be made in the root without touching the host.
func (r *Root) Own() bool { return r.Source == "" || r.Overlay }

// Bind returns the bind mount that the source of the root is.
func (r *Root) Bind() *Mount {
	return &Mount{
		Type: Bind, Source: r.Source, Target: "/", ReadOnly: !r.Writable || r.Overlay,
		Suid: r.Suid, Propagation: r.Propagation, IDMap: r.IDMap,
		NonRecursive: r.Overlay && r.Prepared, // an overlay has no submounts anyway
	}
}

// UpperDir splits Upper and Work into the deepest directory that holds both,
// and their paths below it. The kernel wants both on one mount.
func (r *Root) UpperDir() (dir, upper, work string) {
	n := 0
	for i := 0; i < len(r.Upper) && i < len(r.Work) && r.Upper[i] == r.Work[i]; i++ {
		if r.Upper[i] == '/' {
			n = i
		}
	}
	return r.Upper[:max(n, 1)], r.Upper[n+1:], r.Work[n+1:]
}

func (r *Root) code(c *coder) {
	str(c, &r.Source)
	flag(c, &r.Writable)
	num(c, &r.Size)
	flag(c, &r.Overlay)
	str(c, &r.Upper)
	str(c, &r.Work)
	flag(c, &r.Suid)
	str(c, &r.Propagation)
	str(c, &r.IDMap)
	flag(c, &r.Prepared)
}
