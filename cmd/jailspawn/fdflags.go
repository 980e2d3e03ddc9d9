package main

import (
	"errors"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// bindFDFlag reads N:DEST into a copy of m: descriptor N of jailspawn is shown
// at DEST.
func bindFDFlag(m setup.Mount) func(string) (setup.Mount, error) {
	m.Type = setup.Bind
	return func(s string) (setup.Mount, error) {
		fd, target, err := cutFD(s)
		m := m
		m.SourceFD, m.Target = &fd, target
		return m, err
	}
}

// fileFlag reads DEST=CONTENT.
func fileFlag(s string) (setup.Mount, error) {
	target, content, found := strings.Cut(s, "=")
	if !found || target == "" {
		return setup.Mount{}, errors.New("want DEST=CONTENT")
	}
	return file(target, content), nil
}

// fileFDFlag reads N:DEST: the file has what descriptor N gives up to its end.
func fileFDFlag(s string) (setup.Mount, error) {
	fd, target, err := cutFD(s)
	if err != nil {
		return setup.Mount{}, err
	}
	own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return setup.Mount{}, errors.New("descriptor " + strconv.Itoa(fd) + " is not open")
	}
	f := os.NewFile(uintptr(own), "descriptor "+strconv.Itoa(fd))
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, setup.MaxPlan+1))
	if err != nil {
		return setup.Mount{}, err
	}
	if len(content) > setup.MaxPlan {
		return setup.Mount{}, errors.New("more than " + strconv.Itoa(setup.MaxPlan) + " bytes; show a large file with --ro")
	}
	return file(target, string(content)), nil
}

func cutFD(s string) (fd int, target string, err error) {
	number, target, found := strings.Cut(s, ":")
	if !found || target == "" {
		return 0, "", errors.New("want N:DEST")
	}
	fd, err = parseFD(number)
	return fd, target, err
}

func parseFD(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return 0, errors.New(strconv.Quote(s) + " is no number of a descriptor")
	}
	return int(n), nil
}
