package spawn

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// landlock finds out what of the plan's wishes this kernel can enforce. What is
// missing is an error, or with Try a note.
func landlock(p *setup.Plan, note func(string)) error {
	l := &p.Process.Landlock
	l.Rules = setup.LandlockRules{}
	if !l.Asked() {
		return nil
	}
	abi := landlockABI()
	rules, missing := l.Downgrade(abi)
	if rules.FS != 0 {
		rules.Writable = p.Writable()
	}
	l.Rules = rules
	switch {
	case len(missing) == 0:
		return nil
	case l.Try:
		if note != nil {
			note("landlock: this kernel can't restrict " + strings.Join(missing, ", ") + "; going on without, as --try-landlock asks")
		}
		return nil
	}
	hint := "--try-landlock takes what there is"
	if abi == 0 {
		hint = "is landlock among the security modules of the boot parameter lsm=? " + hint
	}
	return &setup.Error{
		Step: "landlock", Detail: "this kernel can't restrict " + strings.Join(missing, ", "),
		Errno: unix.EOPNOTSUPP, Hint: hint,
	}
}

// landlockABI asks the kernel for its version of Landlock; 0 means that it has
// none, or that it is switched off (landlock_create_ruleset(2)).
func landlockABI() int {
	abi, _, errno := unix.RawSyscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(abi)
}
