package main

import (
	"io"
	"os"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/spawn/named"
)

// logsVerb prints the log of a jail that has one.
func logsVerb() verb {
	var follow bool
	flags := func(f *pflag.FlagSet) { f.BoolVarP(&follow, "follow", "f", false, "") }
	return onJail("logs", flags, func(j *named.Jail) (int, error) {
		if j.Log == "" {
			return 0, &setup.Error{Step: "logs", Target: j.Name, Detail: "the jail was started without --log"}
		}
		f, err := openLog(j.Log, os.O_RDONLY)
		if err != nil {
			return 0, logError("logs", j.Log, err)
		}
		defer f.Close()
		if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
			return 0, &setup.Error{Step: "logs", Target: j.Log, Detail: "what is there is no log"}
		}
		if follow {
			return 0, setup.Fail("logs", j.Log, followLog(f, j))
		}
		_, err = io.Copy(os.Stdout, f)
		return 0, setup.Fail("logs", j.Log, err)
	})
}

// followLog copies what is there and what comes, until the jail is gone. It
// sleeps in between (inotify(7)).
func followLog(f *os.File, j *named.Jail) error {
	watch, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return err
	}
	defer unix.Close(watch)
	if _, err := unix.InotifyAddWatch(watch, f.Name(), unix.IN_MODIFY); err != nil {
		return err
	}
	supervisor, err := j.Supervisor.Open()
	if err != nil { // it has ended: all is there
		_, err = io.Copy(os.Stdout, f)
		return err
	}
	defer unix.Close(supervisor)
	events := make([]byte, 4096)
	for gone := false; ; {
		if _, err := io.Copy(os.Stdout, f); err != nil || gone {
			return err
		}
		poll := []unix.PollFd{{Fd: int32(watch), Events: unix.POLLIN}, {Fd: int32(supervisor), Events: unix.POLLIN}}
		if _, err := unix.Poll(poll, -1); err != nil && err != unix.EINTR {
			return err
		}
		_, _ = unix.Read(watch, events)
		gone = poll[1].Revents != 0 // what was written before is read once more
	}
}
