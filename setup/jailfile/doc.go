// Package jailfile reads jail files: TOML that says by name what the flags of
// jailspawn say. It runs on the host and knows no flag itself: the caller tells
// it the sections and the flags in them, and gets a list of settings, each the
// name of a flag, a value, and the place where it stands.
//
// Files are read by a function of the caller's.
package jailfile

import (
	"strconv"

	"github.com/jailspawn/jailspawn/setup"
)

// A Flag is what a key of a file sets.
type Flag struct {
	Name string
	Bool bool // it takes true or false
	List bool // it can be given several times
}

// Schema has the flags of each section.
type Schema map[string][]Flag

// A Position is a place in a file, lines and columns counted from 1.
type Position struct {
	File         string
	Line, Column int
}

func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return p.File + " line " + strconv.Itoa(p.Line) + " column " + strconv.Itoa(p.Column)
}

// A Setting is a flag with its value, as if it stood on the command line.
type Setting struct {
	Flag  string
	Value string
	Key   string // the key with its section: "files.ro"
	At    Position
}

// A Jail is what a file says, with all that it extends and includes. What
// stands later wins or adds, as on a command line.
type Jail struct {
	Settings []Setting

	// Command is the command in words. A word that is [Args] stands for the
	// words of the command line; without one they replace the command.
	Command []string

	// Depends names the jails that have to run before this one.
	Depends []string
}

// Args is the word of a command that stands for the words of the command line.
const Args = "${@}"

// Words joins the command with the words of the command line.
func (j *Jail) Words(line []string) []string {
	var words []string
	placed := false
	for _, w := range j.Command {
		if w == Args {
			words, placed = append(words, line...), true
		} else {
			words = append(words, w)
		}
	}
	if !placed && len(line) > 0 {
		return line
	}
	return words
}

// problem is an error about a place of a file.
func problem(at Position, key, detail, hint string) error {
	if key != "" {
		detail = key + ": " + detail
	}
	return &setup.Error{Step: "file", Target: at.String(), Detail: detail, Hint: hint, Status: setup.StatusMisuse}
}
