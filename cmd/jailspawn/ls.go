package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/kballard/go-shellquote"

	"github.com/jailspawn/jailspawn/setup/spawn/named"
)

// A listed jail is one line of ls, or one object of ls --json.
type listed struct {
	Name      string    `json:"name"`
	PID       int       `json:"pid"`
	Started   time.Time `json:"started"`
	Paused    bool      `json:"paused"`
	Command   []string  `json:"command"`
	Addresses []string  `json:"addresses"`
	CPU       float64   `json:"cpu_seconds"`
	Memory    uint64    `json:"memory_bytes"`
	Processes int       `json:"processes"`
}

// listJails is the verb ls.
func listJails(dir *named.Dir, args []string) (int, error) {
	v := newNamedVerb("ls", 0, 0, "no argument")
	asJSON := v.Bool("json", false, "")
	if err := v.parse(args); err != nil {
		return 0, err
	}
	jails, err := dir.List()
	if err != nil {
		return 0, err
	}
	list := make([]listed, 0, len(jails))
	for _, j := range jails {
		list = append(list, look(j))
		j.Close()
	}
	if *asJSON {
		e := json.NewEncoder(os.Stdout)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return 0, e.Encode(list)
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tPID\tSTATE\tUPTIME\tCPU\tMEMORY\tADDRESSES\tCOMMAND")
	for _, l := range list {
		addresses := strings.Join(l.Addresses, ",")
		if addresses == "" {
			addresses = "-"
		}
		state := "runs"
		if l.Paused {
			state = "paused"
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n", l.Name, l.PID, state, duration(time.Since(l.Started)),
			duration(time.Duration(l.CPU*float64(time.Second))), size(l.Memory), addresses, oneLine(shellquote.Join(l.Command...)))
	}
	return 0, w.Flush()
}

func look(j *named.Jail) listed {
	u := j.Usage()
	return listed{
		Name: j.Name, PID: j.Init.PID, Started: j.Started, Paused: j.Paused(), Command: j.Plan.Process.Argv,
		Addresses: j.Addresses(), CPU: u.CPU.Seconds(), Memory: u.Memory, Processes: u.Processes,
	}
}

// duration shows a time in two units at most: 3d4h, 5m6s, 1.2s.
func duration(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + "s"
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + "s"
	case d < time.Hour:
		return fmt.Sprintf("%dm%ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd%dh", int(d.Hours())/24, int(d.Hours())%24)
}

// size shows a number of bytes in the unit that keeps it short.
func size(n uint64) string {
	f := float64(n)
	for _, unit := range []string{"B", "K", "M", "G"} {
		if f < 1000 {
			return strconv.FormatFloat(f, 'f', min(1, max(0, int(10/max(f, 1)))), 64) + unit
		}
		f /= 1024
	}
	return strconv.FormatFloat(f, 'f', 1, 64) + "T"
}

// oneLine keeps control characters of a payload's making off the terminal.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || (r >= 0x7f && r < 0xa0) {
			return '?'
		}
		return r
	}, s)
}

// listProcesses is the verb ps.
func listProcesses(j *named.Jail) (int, error) {
	processes, err := j.Processes()
	if err != nil {
		return 0, err
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PID\tINSIDE\tUSER\tSTAT\tTIME\tMEMORY\tCOMMAND")
	for _, p := range processes {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", p.PID, p.Inside, p.User, p.State, duration(p.CPU), size(p.Memory), oneLine(p.Command))
	}
	return 0, w.Flush()
}
