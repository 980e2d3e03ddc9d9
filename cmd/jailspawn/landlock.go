package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/jailspawn/jailspawn/setup"
)

// landlockOptions ask for the second wall.
type landlockOptions struct {
	landlock    bool
	tryLandlock bool
	tcpBind     []string
	tcpConnect  []string
}

func (o *landlockOptions) landlockFlags(f *pflag.FlagSet) {
	f.BoolVar(&o.landlock, "landlock", false, "")
	f.BoolVar(&o.tryLandlock, "try-landlock", false, "")
	commaSeparated(f, &o.tcpBind, "tcp-bind")
	commaSeparated(f, &o.tcpConnect, "tcp-connect")
}

// landlockRules fills in the wall.
func (o *landlockOptions) landlockRules(p *setup.Plan) (err error) {
	l := &p.Process.Landlock
	l.Files = o.landlock || o.tryLandlock
	l.Scope, l.Try = l.Files, o.tryLandlock
	if l.TCPBind, err = parsePorts("--tcp-bind", o.tcpBind); err != nil {
		return err
	}
	l.TCPConnect, err = parsePorts("--tcp-connect", o.tcpConnect)
	return err
}

// parsePorts reads a list of ports, or "none". Without the flag there is no
// list.
func parsePorts(flag string, words []string) (*setup.Ports, error) {
	if len(words) == 0 {
		return nil, nil
	}
	ports := &setup.Ports{Ports: []uint16{}}
	for _, w := range words {
		if w == "none" && len(words) == 1 {
			break
		}
		n, err := strconv.ParseUint(w, 10, 16)
		if err != nil {
			return nil, usage(flag+" "+strconv.Quote(w)+" is no port", "ports go from 0 to 65535; none allows none")
		}
		ports.Ports = append(ports.Ports, uint16(n))
	}
	return ports, nil
}

// note prints what is worth knowing and no error.
func note(line string) {
	fmt.Fprintln(os.Stderr, "jailspawn: "+strings.ReplaceAll(line, "\n", " "))
}
