package tests

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/planfile"
)

// plans are command lines whose payload the kernel is asked about. needs names a
// feature.
var plans = []struct{ flags, needs string }{
	{"", ""},
	{"--caps default", ""},
	{"--caps seed", ""},
	{"--caps all", ""},
	{"--caps default --cap-drop chown,kill --cap-add CAP_NET_RAW", ""},
	{"--cap-add net_admin --uid 7", ""},
	{"--cap-add default --cap-drop all --cap-add lease", ""},
	{"--caps all --uid 0 --gid 5", ""},
	{"--uid 0", ""},
	{"--uid 1 --gid 2", ""},
	{"--uid 4294967294 --gid 4294967294", ""},
	{"--user root", ""},
	{"--user daemon", ""},
	{"--user daemon:mail", ""},
	{"--user 12345:54321", ""},
	{"--map-auto", "mapauto"},
	{"--map-auto --user daemon --groups mail,20", "mapauto"},
	{"--map-auto --uid 0 --caps default", "mapauto"},
	{"--map-auto --uid 65535 --gid 65535 --groups 0,65534", "mapauto"},
	{"--map u:5:$UID:1 --map g:6:$GID:1", ""},
	{"--map 0:70000:2 --map 10:80000:10 --user 11:1 --groups 12,19", "root"},
	{"--map identity --caps default", "root"},
	{"--map identity --user daemon --groups mail,disk", "root"},
	{"--no-userns", "root"},
	{"--no-userns --caps seed", "root"},
	{"--no-userns --user daemon --groups mail --cap-add net_bind_service", "root"},
	{"--rlimit nofile=100:200 --rlimit core=1M --rlimit stack=1M:4M --rlimit nproc=77 --rlimit cpu=100:200 --rlimit fsize=5K", ""},
	{"--rlimit as=300M --rlimit data=200M:250M --rlimit memlock=0 --rlimit rss=1G --rlimit locks=3", ""},
	{"--rlimit sigpending=5 --rlimit msgqueue=1K --rlimit rttime=1000 --rlimit nice=0 --rlimit rtprio=0", ""},
	{"--nice 17", ""},
	{"--sched batch --nice 13 --oom-score-adj 321", ""},
	{"--sched idle", ""},
	{"--cpu-affinity 0", ""},
	{"--nice -3 --oom-score-adj 1000", "sysnice"},
	{"--sched fifo:5", "sysnice"},
	{"--sched rr:7 --cpu-affinity 0 --no-userns", "sysnice"},
	{"--umask 077", ""},
	{"--allow-setuid --cap-bound all --uid 1", ""},
	{"--allow-setuid --caps default --user daemon", ""},
	{"--securebits none", ""},
	{"--securebits no_setuid_fixup --caps default", ""},
	{"--allow-userns", ""},
	{"--share net,ipc,uts,cgroup", ""},
}

func TestPayloadEqualsPlan(t *testing.T) {
	for _, row := range plans {
		t.Run(strings.ReplaceAll(row.flags, " ", "_"), func(t *testing.T) {
			if row.needs != "" && !features[row.needs]() {
				t.Skip("this machine has no " + row.needs)
			}
			flags := strings.NewReplacer("$UID", strconv.Itoa(os.Geteuid()), "$GID", strconv.Itoa(os.Getegid())).Replace(row.flags)
			p, answer := planAndPayload(t, strings.Fields(flags))
			want, got := planned(t, p), answered(t, answer)
			if len(p.IDs.UIDs) == 0 { // made when the jail starts
				delete(got, "uid_map")
				delete(got, "gid_map")
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("plan -, payload +:\n%s", diff)
			}
		})
	}
}

// planAndPayload returns the plan of a command line, and what a payload of it
// reads about itself.
func planAndPayload(t *testing.T, flags []string) (*setup.Plan, string) {
	t.Helper()
	words := append(slices.Clone(flags), "--", "cat", "/proc/self/status", "/proc/self/limits", "/proc/self/oom_score_adj", "/proc/self/stat", "/proc/self/uid_map", "/proc/self/gid_map")
	cmd := exec.Command(filepath.Join(bin(t), "jailspawn"), append([]string{"plan"}, words...)...)
	text, err := cmd.Output()
	if err != nil {
		t.Fatal(err, stderrOf(err))
	}
	p, err := planfile.Read(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	out, err := jail(t, words...).Output()
	if err != nil {
		t.Fatal(err, stderrOf(err))
	}
	return p, string(out)
}

func stderrOf(err error) string {
	if exit, ok := err.(*exec.ExitError); ok {
		return string(exit.Stderr)
	}
	return ""
}

// planned is what the kernel is to answer, by the names that it uses.
func planned(t *testing.T, p *setup.Plan) map[string]string {
	pr := &p.Process
	keep, _ := setup.CapabilityMask(pr.Capabilities)
	bound, _ := setup.CapabilityMask(pr.Bounding)
	want := map[string]string{
		"Uid": repeated(pr.UID), "Gid": repeated(pr.GID),
		"CapInh": capSet(keep), "CapPrm": capSet(keep), "CapEff": capSet(keep), "CapAmb": capSet(keep), "CapBnd": capSet(keep | bound),
		"NoNewPrivs": "1", "SigBlk": capSet(0), "SigIgn": capSet(0), "Umask": "0022",
		"oom_score_adj": callers(t, "/proc/self/oom_score_adj"), "policy": "0", "priority": "0",
	}
	_, stat, _ := strings.Cut(callers(t, "/proc/self/stat"), ") ")
	want["nice"] = strings.Fields(stat)[16]
	if pr.AllowSetuid {
		want["NoNewPrivs"] = "0"
	}
	if pr.Umask != nil {
		want["Umask"] = fmt.Sprintf("%04o", *pr.Umask)
	}
	if !p.Process.Seccomp.Off {
		want["Seccomp"] = "2"
	}
	s := &pr.Schedule
	if s.OOMScoreAdj != nil {
		want["oom_score_adj"] = strconv.Itoa(*s.OOMScoreAdj)
	}
	if s.Nice != nil {
		want["nice"] = strconv.Itoa(*s.Nice)
	}
	if s.Policy != "" {
		want["policy"], want["priority"] = strconv.Itoa(slices.Index(setup.SchedPolicies, s.Policy)), strconv.Itoa(s.Priority)
	}
	if len(s.CPUs) > 0 && strconv.Itoa(s.CPUs[0]) != callersCPUs(t) {
		want["Cpus_allowed_list"] = strconv.Itoa(s.CPUs[0])
	}
	if len(pr.Rlimits) != 16 {
		t.Errorf("the plan has %d rlimits", len(pr.Rlimits))
	}
	for _, l := range pr.Rlimits {
		want["rlimit "+l.Resource] = limit(l.Soft) + " " + limit(l.Hard)
	}
	want["Groups"] = groups(p)
	if len(p.IDs.UIDs) > 0 {
		want["uid_map"], want["gid_map"] = lines(p.IDs.UIDs), lines(p.IDs.GIDs)
	}
	return want
}

// groups is what the kernel shows of the plan's groups, sorted: those that an
// ordinary user keeps have no number inside.
func groups(p *setup.Plan) string {
	own := slices.Clone(p.Process.Groups)
	for range p.IDs.KeptGroups {
		own = append(own, 65534)
	}
	callers, _ := os.Getgroups()
	if os.Geteuid() != 0 && (len(p.IDs.UIDs) == 0 || p.IDs.Single()) && slices.Contains(callers, os.Getegid()) {
		own = append(own, p.Process.GID) // his own group is a supplementary one as well
	}
	return sorted(own)
}

func sorted(ids []uint32) string {
	slices.Sort(ids)
	return strings.Trim(fmt.Sprint(ids), "[]")
}

// answered is what the payload read, as far as the plan says something of it.
func answered(t *testing.T, text string) map[string]string {
	got := map[string]string{}
	all := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	status := map[string]string{}
	for i, line := range all {
		key, value, isStatus := strings.Cut(line, ":\t")
		switch {
		case isStatus:
			status[key] = strings.Join(strings.Fields(value), " ")
		case strings.HasPrefix(line, "Max "):
			name, values := limitLine(t, line)
			got["rlimit "+name] = values
		case strings.HasPrefix(line, "Limit "):
		default:
			rest(t, got, all[i:])
			for _, key := range []string{"Uid", "Gid", "CapInh", "CapPrm", "CapEff", "CapAmb", "CapBnd", "NoNewPrivs", "SigBlk", "SigIgn", "Umask"} {
				got[key] = status[key]
			}
			if status["Seccomp"] != "0" {
				got["Seccomp"] = status["Seccomp"]
			}
			if status["Cpus_allowed_list"] != callersCPUs(t) {
				got["Cpus_allowed_list"] = status["Cpus_allowed_list"]
			}
			var ids []uint32
			for _, g := range strings.Fields(status["Groups"]) {
				n, _ := strconv.ParseUint(g, 10, 32)
				ids = append(ids, uint32(n))
			}
			got["Groups"] = sorted(ids)
			return got
		}
	}
	t.Fatalf("the payload's answer ends early:\n%s", text)
	return nil
}

// rest reads oom_score_adj, stat (proc_pid_stat(5)) and the two maps.
func rest(t *testing.T, got map[string]string, l []string) {
	if len(l) < 4 {
		t.Fatalf("the payload's answer ends early: %q", l)
	}
	got["oom_score_adj"] = l[0]
	_, stat, _ := strings.Cut(l[1], ") ")
	fields := strings.Fields(stat)
	got["nice"], got["priority"], got["policy"] = fields[16], fields[37], fields[38]
	maps := l[2:]
	half := len(maps) / 2
	for name, m := range map[string][]string{"uid_map": maps[:half], "gid_map": maps[half:]} {
		got[name] = strings.Join(strings.Fields(strings.Join(m, " ")), " ")
	}
}

// limitNames are those of /proc/PID/limits that are not the plan's own.
var limitNames = map[string]string{
	"cpu time": "cpu", "file size": "fsize", "data size": "data", "stack size": "stack", "core file size": "core",
	"resident set": "rss", "processes": "nproc", "open files": "nofile", "locked memory": "memlock",
	"address space": "as", "file locks": "locks", "pending signals": "sigpending", "msgqueue size": "msgqueue",
	"nice priority": "nice", "realtime priority": "rtprio", "realtime timeout": "rttime",
}

func limitLine(t *testing.T, line string) (name, values string) {
	for text, name := range limitNames {
		if after, ok := strings.CutPrefix(line, "Max "+text+"  "); ok {
			f := strings.Fields(after)
			return name, f[0] + " " + f[1]
		}
	}
	t.Fatalf("unknown limit: %s", line)
	return "", ""
}

func limit(n uint64) string {
	if n == setup.Infinity {
		return "unlimited"
	}
	return strconv.FormatUint(n, 10)
}

func lines(maps []setup.IDMap) string {
	var words []string
	for _, m := range maps {
		words = append(words, fmt.Sprint(m.Inside), fmt.Sprint(m.Outside), fmt.Sprint(m.Count))
	}
	return strings.Join(words, " ")
}

func repeated(id uint32) string { return strings.TrimSpace(strings.Repeat(fmt.Sprint(id)+" ", 4)) }

func capSet(mask uint64) string { return fmt.Sprintf("%016x", mask) }

func callers(t *testing.T, file string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(data))
}

func callersCPUs(t *testing.T) string {
	_, after, _ := strings.Cut(callers(t, "/proc/self/status"), "Cpus_allowed_list:\t")
	list, _, _ := strings.Cut(after, "\n")
	return list
}
