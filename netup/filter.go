package netup

import (
	"errors"

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
