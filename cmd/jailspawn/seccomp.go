package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"github.com/spf13/pflag"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/seccomp"
)

// seccompOptions say which system calls the payload may make.
type seccompOptions struct {
	seccompPolicy string
	seccompFDs    []int
	seccompLog    bool
	allowUserns   bool
}

func (o *seccompOptions) seccompFlags(f *pflag.FlagSet) {
	f.StringVar(&o.seccompPolicy, "seccomp", "default", "")
	f.IntSliceVar(&o.seccompFDs, "seccomp-fd", nil, "")
	f.BoolVar(&o.seccompLog, "seccomp-log", false, "")
	f.BoolVar(&o.allowUserns, "allow-userns", false, "")
}

// seccomp fills in the policy and the compiled filters.
func (o *seccompOptions) seccomp(p *setup.Plan) (err error) {
	p.AllowUserns = o.allowUserns
	s := &p.Process.Seccomp
	s.Log = o.seccompLog
	switch o.seccompPolicy {
	case "default":
	case "none":
		s.Off = true
	case "seed":
		s.Policy = []string{"include seed"}
	default:
		s.Policy, err = readPolicy(o.seccompPolicy)
	}
	for _, fd := range o.seccompFDs {
		if err != nil {
			return err
		}
		var filter []byte
		filter, err = readFilter(fd)
		s.Filters = append(s.Filters, filter)
	}
	return err
}

// maxPolicy is the largest policy file in bytes; Docker's has 20 KiB.
const maxPolicy = 1 << 20

// readPolicy reads a policy file, our own text or Docker's JSON, and returns
// its lines without comments.
func readPolicy(file string) ([]string, error) {
	f, err := os.Open(file)
	if err != nil {
		e := setup.Fail("seccomp", file, err).(*setup.Error)
		e.Hint = "--seccomp takes default, seed, none or a file"
		e.Status = setup.StatusMisuse
		return nil, e
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxPolicy+1))
	if err == nil && len(data) > maxPolicy {
		err = &setup.Error{Step: "seccomp", Detail: "larger than 1 MiB, which no policy is", Status: setup.StatusMisuse}
	}
	if err != nil {
		return nil, setup.Fail("seccomp", file, err)
	}
	if text := strings.TrimSpace(string(data)); strings.HasPrefix(text, "{") {
		lines, err := seccomp.Docker(data)
		return lines, setup.Fail("seccomp", file, err)
	}
	all := strings.Split(string(data), "\n")
	if _, err := seccomp.Parse(all); err != nil { // while the line numbers are the file's
		return nil, setup.Fail("seccomp", file, err)
	}
	var lines []string
	for _, line := range all {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.Join(strings.Fields(line), " "); line != "" {
			lines = append(lines, line)
		}
	}
	return lines, nil
}

// readFilter reads a compiled filter from a descriptor of the caller's.
func readFilter(fd int) ([]byte, error) {
	name := fmt.Sprintf("descriptor %d", fd)
	if fd < 0 {
		return nil, usage("--seccomp-fd: "+name+" is none", "")
	}
	own, err := syscall.Dup(fd) // closing standard input would let something else take its place
	var data []byte
	if err == nil {
		f := os.NewFile(uintptr(own), name)
		data, err = io.ReadAll(io.LimitReader(f, maxPolicy))
		f.Close()
	}
	if err == nil {
		err = seccomp.Program(data)
	}
	if err != nil {
		e := setup.Fail("seccomp", name, err).(*setup.Error)
		e.Status = setup.StatusMisuse
		return nil, e
	}
	return data, nil
}

// printPolicy is the verb seccomp: it shows what a policy means.
func printPolicy(args []string) (int, error) {
	if len(args) != 1 || strings.HasPrefix(args[0], "-") {
		return 0, usage("seccomp takes one policy: default, seed or a file", "jailspawn seccomp default")
	}
	if text, ok := seccomp.BuiltIn(args[0]); ok {
		fmt.Print(text)
		return 0, nil
	}
	lines, err := readPolicy(args[0])
	if err == nil {
		fmt.Println(strings.Join(lines, "\n"))
	}
	return 0, err
}
