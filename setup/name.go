package setup

// MaxName is how long the name of a jail may be.
const MaxName = 64

// NameProblem says why s can't be the name of a jail, or returns "". A name is
// a file name and stands in tables and command lines: letters, digits and _.-
// behind a letter or digit.
func NameProblem(s string) string {
	switch {
	case s == "":
		return "is empty"
	case len(s) > MaxName:
		return "is longer than 64 bytes"
	}
	for i := range len(s) {
		switch b := s[i]; {
		case b >= '0' && b <= '9', b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z':
		case i > 0 && (b == '_' || b == '.' || b == '-'):
		default:
			return "may have letters, digits and _.- only, and begins with a letter or digit"
		}
	}
	return ""
}

// ListenFD is where a named jail's listening socket lies in jailinit: a
// SOCK_STREAM socket on which it takes each [Request].
func (p *Plan) ListenFD() int { return FirstPassedFD + len(p.Process.PassFDs) }
