//go:build !amd64

package catch

import (
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

func catch(fd int, list []syscall.Signal) (undo func()) {
	signals, done := make(chan os.Signal, 128), make(chan struct{})
	for _, sig := range list {
		if !signal.Ignored(sig) {
			signal.Notify(signals, sig)
		}
	}
	go func() {
		defer close(done)
		for s := range signals {
			_, _ = unix.Write(fd, []byte{byte(s.(syscall.Signal))})
		}
	}()
	return func() {
		signal.Stop(signals)
		close(signals)
		<-done
	}
}
