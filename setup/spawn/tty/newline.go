package tty

import (
	"bytes"

	"golang.org/x/sys/unix"
)

// newlines undoes what the jail's terminal did to the ends of lines (ONLCR of
// termios(3)) where the caller's terminal, which is not raw in the background,
// does the same to all that is written. A return at the end is kept back until
// it is known what follows.
func (t *Terminal) newlines(data []byte) []byte {
	if t.kept {
		data = append([]byte{'\r'}, data...)
		t.kept = false
	}
	if bytes.IndexByte(data, '\r') < 0 || !t.bothEndLines() {
		return data
	}
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	if last := len(data) - 1; last >= 0 && data[last] == '\r' {
		t.kept = true
		data = data[:last]
	}
	return data
}

// bothEndLines reports whether both terminals put a return before a newline.
func (t *Terminal) bothEndLines() bool {
	if !endsLines(t.out) {
		return false
	}
	ends := false
	_ = t.control(func(fd int) error { ends = endsLines(fd); return nil })
	return ends
}

func endsLines(fd int) bool {
	modes, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	return err == nil && modes.Oflag&unix.OPOST != 0 && modes.Oflag&unix.ONLCR != 0
}
