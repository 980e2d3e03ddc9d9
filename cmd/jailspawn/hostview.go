package main

import (
	"os"
	"path"
	"slices"
	"strconv"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/rawfile"
)

// The default view of the file system: programs and libraries of the host, the
// harmless part of /etc, and otherwise files and directories of the jail's own.
// Each host part is read-only and skipped where the host doesn't have it.

// programs are bound, or made as the same symbolic link where the host has
// merged them into /usr.
var programs = []string{"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"}

// harmless are the parts of /etc that programs need to run and that hold no
// secret: the loader's cache, alternatives, certificates (not private keys),
// the time zone, names of protocols, settings of interpreters. The list is
// short on purpose, as each takes 0.01 ms of every start; --ro adds more.
var harmless = []string{
	"alternatives", "ld.so.cache",
	"ssl/certs", "ssl/openssl.cnf", "ca-certificates", "pki/tls/certs", "pki/ca-trust",
	"mime.types", "protocols", "services", "profile", "bash.bashrc",
	"fonts", "java-17-openjdk", "java-21-openjdk", "python3", "perl",
}

// links are links into /usr on most hosts, as programs are on some.
var links = []string{"/etc/localtime", "/etc/os-release"}

// home is where the payload's empty private home directory lies.
func (u user) home() string {
	if u.dir != "" {
		return u.dir
	}
	if u.uid == 0 {
		return "/root"
	}
	return "/home/" + u.name
}

// hostView returns the mounts of a jail without --root.
func hostView(u user, hostname string, shareNet bool) []setup.Mount {
	view := make([]setup.Mount, 0, 48)
	for _, name := range slices.Concat(programs, links) {
		view = append(view, shown(name))
	}
	for _, name := range harmless {
		view = append(view, readOnly("/etc/"+name))
	}
	view = append(view, ownEtc(hostname, shareNet, false)...)
	view = append(
		view,
		setup.Mount{Type: setup.Symlink, Source: "/proc/self/mounts", Target: "/etc/mtab"},
		file("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
		file("/etc/passwd", u.passwd()),
		file("/etc/group", u.groupFile()),
		setup.Mount{Type: setup.Dir, Target: "/var"},
		setup.Mount{Type: setup.Symlink, Source: "../tmp", Target: "/var/tmp"},
		setup.Mount{Type: setup.Symlink, Source: "../run", Target: "/var/run"},
		setup.Mount{Type: setup.Tmpfs, Target: "/run"},
	)
	return append(view, private(u)...)
}

// ownEtc are the files of /etc that tell about the jail itself and are its own
// in every view: its names, and the resolver's configuration if the network is
// the host's. Their content is copied, as the host replaces these files. They
// are optional in a root that may have no /etc.
func ownEtc(hostname string, shareNet, optional bool) []setup.Mount {
	files := []setup.Mount{
		file("/etc/hostname", hostname+"\n"),
		file("/etc/hosts", "127.0.0.1 localhost "+hostname+"\n::1 localhost ip6-localhost\n"),
	}
	if shareNet {
		if data, err := rawfile.Read("/etc/resolv.conf"); err == nil {
			files = append(files, file("/etc/resolv.conf", string(data)))
		}
	}
	for i := range files {
		files[i].Optional = optional
	}
	return files
}

// private are the mounts that every jail has, also one with --root.
func private(u user) []setup.Mount {
	return []setup.Mount{
		{Type: setup.Proc, Target: "/proc"},
		{Type: setup.Dev, Target: "/dev"},
		{Type: setup.Tmpfs, Target: "/tmp", Mode: 0o1777},
		{Type: setup.Tmpfs, Target: u.home(), Mode: 0o700, UID: u.uid, GID: u.gid},
	}
}

// shown is a link into /usr where the host has such a link, as it then needs no
// mount.
func shown(name string) setup.Mount {
	text, err := os.Readlink(name)
	if err == nil {
		to := text
		if !path.IsAbs(to) {
			to = path.Join(path.Dir(name), to)
		}
		if beneath(to, "/usr") {
			return setup.Mount{Type: setup.Symlink, Source: text, Target: name}
		}
	}
	return readOnly(name)
}

func readOnly(p string) setup.Mount {
	return setup.Mount{Type: setup.Bind, Source: p, Target: p, ReadOnly: true, Optional: true, Follow: true}
}

func file(target, content string) setup.Mount {
	return setup.Mount{Type: setup.File, Target: target, Content: content}
}

// passwd has root, the payload's user and nobody; groupFile has their groups.
func (u user) passwd() string {
	const nobody = "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
	s := "root:x:0:0:root:/root:/bin/sh\n"
	if u.uid != 0 {
		s += u.name + ":x:" + id(u.uid) + ":" + id(u.gid) + "::" + u.home() + ":/bin/sh\n"
	}
	return s + nobody
}

func (u user) groupFile() string {
	s := "root:x:0:\ntty:x:5:\n"
	for _, g := range append([]group{{name: u.group, gid: u.gid}}, u.others...) {
		if g.gid != 0 && g.gid != 5 {
			s += g.name + ":x:" + id(g.gid) + ":\n"
		}
	}
	return s + "nogroup:x:65534:\n"
}

func id(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
