package main

import (
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/rawfile"
	"github.com/jailspawn/jailspawn/setup/spawn/hostnet"
)

// netFiles puts the names that the payload knows into files of the jail's own.
func (o *options) netFiles(p *setup.Plan) error {
	lines, err := o.hostsLines()
	if err != nil {
		return err
	}
	if lines != "" {
		if err := writeFile(p, "/etc/hosts", lines, false); err != nil {
			return err
		}
	}
	text, err := o.resolvConf(p)
	switch {
	case err != nil:
		return err
	case text == "" || (o.root != "" && len(o.dns) == 0):
		return nil // nothing to say, or a root that has its own
	case len(o.dns) == 0 && at(p, "/etc/resolv.conf"):
		return nil
	}
	return writeFile(p, "/etc/resolv.conf", text, true)
}

// at reports whether the user fills a place of the file system.
func at(p *setup.Plan, target string) bool {
	return slices.ContainsFunc(p.Mounts, func(m setup.Mount) bool { return m.Target != "/" && beneath(target, m.Target) })
}

// writeFile gives a file of the jail's own a content, or adds to it.
func writeFile(p *setup.Plan, target, text string, replace bool) error {
	for i := range p.Mounts {
		m := &p.Mounts[i]
		if m.Target != target || m.Type != setup.File {
			continue
		}
		m.Optional = false
		if replace {
			m.Content = ""
		}
		m.Content += text
		return nil
	}
	if at(p, target) {
		return usage(target+" is mounted and written at once", "leave out the mount, or --dns and --hosts")
	}
	p.Mounts = append(p.Mounts, file(target, text))
	return nil
}

// hostsLines returns the lines that --hosts and resolved names add.
func (o *reachOptions) hostsLines() (string, error) {
	lines := ""
	for _, h := range o.hosts {
		name, address, _ := strings.Cut(h, "=")
		if _, err := netip.ParseAddr(address); err != nil || name == "" || strings.ContainsAny(name, " \t\n#") {
			return "", usage("--hosts "+h+": no name with an address", "write --hosts NAME=ADDRESS")
		}
		lines += address + " " + name + "\n"
	}
	return lines, nil
}

// resolvConf returns the jail's resolv.conf: the servers asked for, else the
// host's as far as the jail can reach them, or "" for none.
func (o *reachOptions) resolvConf(p *setup.Plan) (string, error) {
	text := ""
	for _, d := range o.dns {
		if _, err := netip.ParseAddr(d); err != nil {
			return "", usage("--dns "+d+": no address", "the name server is given by its address")
		}
		text += "nameserver " + d + "\n"
	}
	n := &p.Network
	if text != "" || (len(n.Interfaces) == 0 && !n.User && n.Join == "") {
		return text, nil
	}
	data, err := rawfile.Read("/etc/resolv.conf")
	if err != nil {
		return "", nil // a host without has none to pass on
	}
	for line := range strings.Lines(string(data)) {
		fields := strings.Fields(line)
		if len(fields) > 1 && fields[0] == "nameserver" {
			if a, err := netip.ParseAddr(fields[1]); err == nil && a.IsLoopback() {
				continue // the host's own, which the jail's loopback isn't
			}
		}
		text += line
	}
	if n.User && !strings.Contains(text, "nameserver ") {
		text += "nameserver " + hostnet.ForwardedDNS + "\n"
	}
	return text, nil
}

// restoreDevices brings devices of the host back to what they were, that came
// back bare from jails because their jailspawn was killed.
func restoreDevices(w io.Writer) error {
	names, err := hostnet.Restore()
	for _, name := range names {
		fmt.Fprintln(w, "jailspawn: gave "+name+" its addresses and routes again, which a killed jailspawn had lent to a jail")
	}
	return err
}
