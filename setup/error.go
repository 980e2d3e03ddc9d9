package setup

import (
	"errors"
	"syscall"
)

// An Error is one thing that went wrong while a jail was built or started, on
// either side of the pipe. It reads
//
//	step target: detail: cause (hint: what to do)
//
// and unwraps to its errno, so errors.Is(err, fs.ErrNotExist) works on errors
// that happened inside the jail.
type Error struct {
	Step   string        // what was being done: "mount", "exec", "plan"
	Target string        // on what; may be empty
	Detail string        // how; may be empty
	Errno  syscall.Errno // the kernel's answer; 0 if the kernel gave none
	Hint   string        // what to do about it; may be empty
	Status int           // exit status of jailspawn; 0 means [StatusNotBuilt]
}

// Exit statuses of jailspawn that are not the payload's own. A payload that
// was ended by signal n counts as 128+n.
const (
	StatusMisuse        = 2   // the command line or the plan is wrong
	StatusTimeout       = 124 // a time limit ended the payload
	StatusNotBuilt      = 125 // the jail could not be built
	StatusNotExecutable = 126 // the payload exists but can't be executed
	StatusNotFound      = 127 // the payload was not found inside the jail
	StatusSignal        = 128
)

// Error formats e on one line.
func (e *Error) Error() string {
	s := e.Step
	if e.Target != "" {
		s += " " + e.Target
	}
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	if e.Errno != 0 {
		s += ": " + e.Errno.Error()
	}
	if e.Hint != "" {
		s += " (hint: " + e.Hint + ")"
	}
	return s
}

// Unwrap returns the errno, or nil where the kernel was not asked.
func (e *Error) Unwrap() error {
	if e.Errno == 0 {
		return nil
	}
	return e.Errno
}

// Fail returns an Error of a step with its cause. A cause that is an Error
// already keeps its step, and takes the target if it has none; an errno becomes
// Errno; the text of any other becomes Detail. A nil cause gives nil.
func Fail(step, target string, cause error) error {
	if cause == nil {
		return nil
	}
	var inner *Error
	if errors.As(cause, &inner) {
		e := *inner
		if e.Target == "" {
			e.Target = target
		}
		return &e
	}
	e := &Error{Step: step, Target: target}
	if !errors.As(cause, &e.Errno) {
		e.Detail = cause.Error()
	}
	return e
}

// Misuse returns an Error about a field of the plan: the caller asked for
// something that can't be.
func Misuse(field, detail, hint string) *Error {
	return &Error{Step: "plan", Target: field, Detail: detail, Hint: hint, Status: StatusMisuse}
}

// ExitStatus returns the exit status that jailspawn ends with because of err.
func ExitStatus(err error) int {
	var e *Error
	switch {
	case err == nil:
		return 0
	case errors.As(err, &e) && e.Status != 0:
		return e.Status
	}
	return StatusNotBuilt
}
