package main

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup/planfile"
	"github.com/jailspawn/jailspawn/setup/spawn/named"
)

// killVerb sends a signal to a jail's payload.
func killVerb() verb {
	sig := signalValue(unix.SIGTERM)
	flags := func(f *pflag.FlagSet) { f.VarP(&sig, "signal", "s", "") }
	return onJail("kill", flags, func(j *named.Jail) (int, error) { return 0, j.Signal(syscall.Signal(sig)) })
}

// signalValue is a flag that takes a signal.
type signalValue syscall.Signal

func (s *signalValue) String() string { return strconv.Itoa(int(*s)) }
func (s *signalValue) Type() string   { return "signal" }

func (s *signalValue) Set(word string) error {
	sig, ok := signalNumber(word)
	if !ok {
		return errors.New("no such signal; give a name such as TERM or RTMIN+1, or a number from 1 to 64")
	}
	*s = signalValue(sig)
	return nil
}

// signalNumber reads a signal as kill(1) does, with or without SIG.
func signalNumber(word string) (syscall.Signal, bool) {
	if n, err := strconv.Atoi(word); err == nil {
		return syscall.Signal(n), n >= 1 && n <= 64
	}
	name := strings.TrimPrefix(strings.ToUpper(word), "SIG")
	for _, base := range []struct {
		name   string
		number int
	}{{"RTMIN", 34}, {"RTMAX", 64}} {
		if rest, found := strings.CutPrefix(name, base.name); found {
			offset := 0
			if rest != "" {
				n, err := strconv.Atoi(rest)
				if err != nil {
					return 0, false
				}
				offset = n
			}
			n := base.number + offset
			return syscall.Signal(n), n >= 34 && n <= 64
		}
	}
	sig := unix.SignalNum("SIG" + name)
	return sig, sig != 0
}

// stopVerb ends a jail: politely, then for good.
func stopVerb() verb {
	var grace time.Duration
	flags := func(f *pflag.FlagSet) { f.DurationVar(&grace, "grace", 10*time.Second, "") }
	return onJail("stop", flags, func(j *named.Jail) (int, error) {
		if grace < 0 {
			return 0, usage("--grace "+grace.String()+" is negative", "0 kills at once")
		}
		return 0, j.Stop(grace)
	})
}

// waitForJail is the verb wait: it ends with the status of the payload.
func waitForJail(j *named.Jail) (int, error) {
	status, err := j.Wait()
	if err != nil {
		return 0, err
	}
	return exitCode(j.Plan, status), nil
}

// inspectJail is the verb inspect. It prints the plan as it was run, a form
// that run --plan takes.
func inspectJail(j *named.Jail) (int, error) {
	return 0, planfile.Write(os.Stdout, j.Plan)
}

// pruneJails is the verb prune. Every verb sweeps; this one does nothing else.
func pruneJails(args []string) (int, error) {
	err := newNamedVerb("prune", 0, 0, "no argument").parse(args)
	if errors.Is(err, errHelp) {
		return printHelp([]string{"prune"})
	}
	if err != nil {
		return 0, err
	}
	dir, err := named.OpenExisting()
	if err != nil {
		return 0, err
	}
	defer dir.Close()
	return 0, sweep(dir, os.Stdout)
}
