package netup

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/nft"
)

// Filter puts the jail's packet filter into force. It lives as long as this
// process, which keeps its socket open; nobody else can change it, not even
// with CAP_NET_ADMIN. It needs that capability over the network namespace.
func Filter(rules string) error {
	_, err := nft.Install([]byte(rules))
	if err == nil {
		return nil
	}
	e := &setup.Error{Step: "network", Target: "filter", Hint: nft.Hint(err)}
	errors.As(err, &e.Errno)
	return e
}

// Idle puts the rules of a [setup.Preface] into force. They last as long as the
// network namespace. Where they can't be, those that matter can't either, which
// is told then.
func Idle(rules []byte) {
	if fd, err := nft.Install(rules); err == nil {
		unix.Close(fd)
	}
}
