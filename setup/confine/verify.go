package confine

import (
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// A Rights is what [Verify] expects the kernel to answer.
type Rights struct {
	Keep       uint64 // the effective, permitted, inheritable and ambient sets
	Bounding   uint64
	Securebits uint32
}

// RightsOf returns the rights that the plan leaves to the payload.
func RightsOf(p *setup.Process) (r Rights, err error) {
	keep, known := setup.CapabilityMask(p.Capabilities)
	more, knownMore := setup.CapabilityMask(p.Bounding)
	bits, knownBits := setup.SecurebitMask(p.Securebits)
	if !known || !knownMore || !knownBits {
		return r, &setup.Error{Step: "capabilities", Detail: "unknown name in the plan"}
	}
	return Rights{Keep: keep, Bounding: keep | more, Securebits: bits}, nil
}

// Verify asks the kernel whether this thread, and so the payload, has the
// identity and the rights of the plan and no others. It comes after everything
// that changes them: a mistake in the order of the steps above, or a kernel
// that keeps something back, stops the jail.
func Verify(p *setup.Process, ids *setup.IDs, want Rights) error {
	effective, permitted, inheritable, err := getSets()
	if err != nil {
		return setup.Fail("verify", "capabilities", err)
	}
	ruid, euid, suid := unix.Getresuid()
	rgid, egid, sgid := unix.Getresgid()
	uid, gid := int(int32(p.UID)), int(int32(p.GID))
	for _, c := range []struct {
		what string
		same bool
	}{
		{"effective set", effective == want.Keep},
		{"permitted set", permitted == want.Keep},
		{"inheritable set", inheritable == want.Keep},
		{"ambient set", ambient(want.Keep)},
		{"bounding set", bounding(want.Bounding)},
		{"no_new_privs", get(unix.PR_GET_NO_NEW_PRIVS, 0) == 1 || p.AllowSetuid},
		{"securebits", want.Securebits == 0 || get(unix.PR_GET_SECUREBITS, 0) == int(want.Securebits)},
		{"uid", same(ruid, euid, suid, uid)},
		{"gid", same(rgid, egid, sgid, gid)},
		{"groups", sameGroups(p, ids)},
	} {
		if !c.same {
			return &setup.Error{
				Step: "verify", Target: c.what, Detail: "the kernel's answer is not what the plan says",
				Hint: "please report this with the output of jailspawn plan",
			}
		}
	}
	return nil
}

// ambient reports whether all of keep is ambient. The kernel holds the set
// within the permitted and the inheritable one, so it can't be more.
func ambient(keep uint64) bool {
	for c := uintptr(0); c < 64; c++ {
		if keep&(1<<c) != 0 && get(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_IS_SET, c) != 1 {
			return false
		}
	}
	return true
}

// bounding compares the bounding set up to the kernel's last capability.
func bounding(want uint64) bool {
	for c := uintptr(0); c < 64; c++ {
		in := get(unix.PR_CAPBSET_READ, c)
		if in < 0 {
			return want>>c == 0
		}
		if (in == 1) != (want&(1<<c) != 0) {
			return false
		}
	}
	return true
}

// sameGroups compares the supplementary groups. Where setgroups(2) is denied
// they are the caller's, which [setup.IDs] shows as kept.
func sameGroups(p *setup.Process, ids *setup.IDs) bool {
	if ids.Single() && len(p.Groups) == 0 {
		return true
	}
	got := make([]uint32, max(getgroups(nil), 0))
	if getgroups(got) != len(got) {
		return false
	}
	want := slices.Clone(p.Groups)
	slices.Sort(got)
	slices.Sort(want)
	return slices.Equal(got, want)
}

func getgroups(groups []uint32) int {
	n, _, errno := unix.RawSyscall(unix.SYS_GETGROUPS, uintptr(len(groups)), uintptr(unsafe.Pointer(unsafe.SliceData(groups))), 0)
	if errno != 0 {
		return -1
	}
	return int(n)
}

func same(a, b, c, want int) bool { return a == want && b == want && c == want }

// get returns the answer of a prctl(2) that asks, or -1.
func get(option int, args ...uintptr) int {
	var a [2]uintptr
	copy(a[:], args)
	n, _, errno := unix.RawSyscall6(unix.SYS_PRCTL, uintptr(option), a[0], a[1], 0, 0, 0)
	if errno != 0 {
		return -1
	}
	return int(n)
}
