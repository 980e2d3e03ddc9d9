package named

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
)

// A Task is one process of a jail, as the host sees it.
type Task struct {
	PID     int
	Inside  string // its pid in the jail
	User    string // the host's uid
	State   string // as ps(1) shows it: R, S, D, T, Z
	CPU     time.Duration
	Memory  uint64 // bytes of its own: what it doesn't share with files
	Command string

	parent int
}

// Usage is what a jail uses by now.
type Usage struct {
	CPU       time.Duration
	Memory    uint64 // bytes; what its processes have of their own
	Processes int
}

// Processes lists the jail's processes, process 1 first. All of them descend
// from it, as it takes over every orphan.
func (j *Jail) Processes() ([]Task, error) {
	fd, err := j.Init.Open()
	if err != nil {
		return nil, j.gone()
	}
	defer unix.Close(fd)
	files, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	children := map[int][]Task{}
	var list []Task
	for _, file := range files {
		pid, _ := strconv.Atoi(filepath.Base(file))
		t, err := task(pid)
		switch {
		case err != nil: // it has ended meanwhile
		case pid == j.Init.PID:
			list = append(list, t)
		default:
			children[t.parent] = append(children[t.parent], t)
		}
	}
	depth := 0
	for i := 0; i < len(list); i++ {
		list = append(list, children[list[i].PID]...)
	}
	for i := range list {
		numbers := strings.Fields(list[i].Inside)
		if i == 0 {
			depth = len(numbers) - 1
		}
		list[i].Inside = "?"
		if depth >= 0 && depth < len(numbers) {
			list[i].Inside = numbers[depth]
		}
	}
	return list, nil
}

// ticks is how many of the times in /proc/PID/stat make a second; the kernel
// shows 100 on every architecture (USER_HZ).
const ticks = 100

func task(pid int) (Task, error) {
	fields, err := statFields(pid)
	if err != nil {
		return Task{}, err
	}
	dir := "/proc/" + strconv.Itoa(pid)
	status, err := os.ReadFile(dir + "/status")
	if err != nil {
		return Task{}, err
	}
	t := Task{PID: pid, State: fields[statState], CPU: times(fields, statUser, statSystem)}
	t.parent, _ = strconv.Atoi(fields[statParent])
	for line := range strings.Lines(string(status)) {
		key, value, _ := strings.Cut(line, ":")
		words := strings.Fields(value)
		if len(words) == 0 {
			continue
		}
		switch key {
		case "Name":
			t.Command = "[" + words[0] + "]"
		case "Uid":
			t.User = words[0]
		case "NSpid":
			t.Inside = value
		case "RssAnon", "RssShmem":
			kib, _ := strconv.ParseUint(words[0], 10, 64)
			t.Memory += kib << 10
		}
	}
	if line, err := os.ReadFile(dir + "/cmdline"); err == nil && len(line) > 0 {
		t.Command = strings.TrimSpace(strings.ReplaceAll(string(line), "\x00", " "))
	}
	return t, nil
}

func times(fields []string, which ...int) time.Duration {
	var sum int
	for _, i := range which {
		n, _ := strconv.Atoi(fields[i])
		sum += n
	}
	return time.Duration(sum) * (time.Second / ticks)
}

// Usage adds up the processes there are, and the processor time of those that
// process 1 has reaped.
func (j *Jail) Usage() Usage {
	var u Usage
	tasks, err := j.Processes()
	if err != nil {
		return u
	}
	for _, t := range tasks {
		u.CPU += t.CPU
		u.Memory += t.Memory
	}
	if fields, err := statFields(j.Init.PID); err == nil {
		u.CPU += times(fields, statReapedUser, statReapedSystem)
	}
	u.Processes = len(tasks)
	return u
}

// Addresses lists the jail's addresses, but for those of the loopback and of
// links, and for those of the host in a jail that shares its network.
func (j *Jail) Addresses() []string {
	dir := "/proc/" + strconv.Itoa(j.Init.PID) + "/net"
	if j.Plan.Shares(setup.NetNS) {
		return nil
	}
	list := append(ipv4(dir+"/fib_trie"), ipv6(dir+"/if_inet6")...)
	slices.Sort(list)
	return slices.Compact(list)
}

// ipv4 finds the local addresses in fib_trie: the line before "/32 host LOCAL".
func ipv4(file string) (list []string) {
	data, _ := os.ReadFile(file)
	last := ""
	for line := range strings.Lines(string(data)) {
		if _, address, found := strings.Cut(line, "-- "); found {
			last = strings.TrimSpace(address)
		} else if strings.Contains(line, "/32 host LOCAL") {
			list = appendAddress(list, last)
		}
	}
	return list
}

// ipv6 reads if_inet6, where addresses are 32 hexadecimal digits.
func ipv6(file string) (list []string) {
	data, _ := os.ReadFile(file)
	for line := range strings.Lines(string(data)) {
		if len(line) < 32 {
			continue
		}
		var groups []string
		for i := 0; i < 32; i += 4 {
			groups = append(groups, line[i:i+4])
		}
		list = appendAddress(list, strings.Join(groups, ":"))
	}
	return list
}

func appendAddress(list []string, s string) []string {
	a, err := netip.ParseAddr(s)
	if err != nil || a.IsLoopback() || a.IsLinkLocalUnicast() {
		return list
	}
	return append(list, a.String())
}
