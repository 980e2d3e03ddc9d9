package cgroup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jailspawn/jailspawn/setup"
)

func TestParse(t *testing.T) {
	const (
		v2     = "25 20 0:23 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
		memory = "31 20 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
		cpu    = "32 20 0:31 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
	)
	for _, c := range []struct{ name, mounts, own, want string }{
		{"a session of systemd", v2, "0::/user.slice/user-1000.slice/session-2.scope\n", "v2 /sys/fs/cgroup at /user.slice/user-1000.slice/session-2.scope"},
		{"the root", v2, "0::/\n", "v2 /sys/fs/cgroup at /"},
		{"a container without a namespace", "25 20 0:23 /docker/x /sys/fs/cgroup ro - cgroup2 cgroup rw\n", "0::/docker/x/a\n", "v2 /sys/fs/cgroup at /a"},
		{"another container's mount", "25 20 0:23 /docker/x /sys/fs/cgroup ro - cgroup2 cgroup rw\n", "0::/docker/xy\n", ""},
		{"outside of the namespace", v2, "0::/../x\n", ""},
		{
			"a hybrid", strings.Replace(v2, "/sys/fs/cgroup ", "/sys/fs/cgroup/unified ", 1) + memory + cpu,
			"5:cpu,cpuacct:/c\n4:memory:/m\n1:name=systemd:/s\n0::/u\n",
			"v2 /sys/fs/cgroup/unified at /u, memory /sys/fs/cgroup/memory at /m, cpu,cpuacct /sys/fs/cgroup/cpu,cpuacct at /c",
		},
		{"a blank in the mount point", strings.Replace(v2, "/sys/fs/cgroup ", `/a\040b `, 1), "0::/\n", "v2 /a b at /"},
		{"none", "1 0 0:1 / / rw - ext4 /dev/sda rw\n", "", ""},
	} {
		h := parse(c.mounts, c.own)
		var got []string
		if h.v2 != nil {
			got = append(got, "v2 "+h.v2.mount+" at "+h.v2.own)
		}
		for _, t := range h.v1 {
			got = append(got, strings.TrimPrefix(strings.Join(t.controllers, ","), "rw,")+" "+t.mount+" at "+t.own)
		}
		if s := strings.Join(got, ", "); s != c.want {
			t.Errorf("%s: got %q, want %q", c.name, s, c.want)
		}
	}
}

func TestKnobs(t *testing.T) {
	swap, none := uint64(32<<20), uint64(setup.Infinity)
	for _, c := range []struct {
		name   string
		r      setup.Resources
		v2, v1 string
	}{
		{"nothing", setup.Resources{}, "", ""},
		{
			"memory without swap",
			setup.Resources{Memory: 64 << 20},
			"memory.max=67108864 memory.swap.max=0", "memory.limit_in_bytes=67108864 memory.memsw.limit_in_bytes=67108864",
		},
		{
			"memory and swap",
			setup.Resources{Memory: 64 << 20, Swap: &swap},
			"memory.max=67108864 memory.swap.max=33554432", "memory.limit_in_bytes=67108864 memory.memsw.limit_in_bytes=100663296",
		},
		{
			"any swap",
			setup.Resources{Memory: 64 << 20, Swap: &none},
			"memory.max=67108864 memory.swap.max=max", "memory.limit_in_bytes=67108864",
		},
		{
			"processors",
			setup.Resources{MilliCPUs: 200, CPUWeight: 50},
			"cpu.max=20000 100000 cpu.weight=50", "cpu.cfs_period_us=100000 cpu.cfs_quota_us=20000 cpu.shares=512",
		},
		{"the least share", setup.Resources{CPUWeight: 1}, "cpu.weight=1", "cpu.shares=10"},
		{
			"devices",
			setup.Resources{IO: []setup.IOLimit{{Major: 8, ReadBytes: 1, WriteOps: 2}}},
			"io.max=8:0 rbps=1 wiops=2", "blkio.throttle.read_bps_device=8:0 1 blkio.throttle.write_iops_device=8:0 2",
		},
	} {
		if got := text(knobs2(&c.r)); got != c.v2 {
			t.Errorf("%s, version 2: %s", c.name, got)
		}
		if got := text(knobs1(&c.r)); got != c.v1 {
			t.Errorf("%s, version 1: %s", c.name, got)
		}
	}
}

func text(knobs []knob) string {
	var list []string
	for _, k := range knobs {
		list = append(list, k.file+"="+k.value)
	}
	return strings.Join(list, " ")
}

func TestRead(t *testing.T) {
	dir2 := files(t, map[string]string{
		"cpu.stat":      "usage_usec 1500000\nuser_usec 1000000\nsystem_usec 500000\nnr_periods 0\n",
		"memory.events": "low 0\nhigh 0\nmax 7\noom 2\noom_kill 1\n",
		"memory.peak":   "4096\n",
		"io.stat":       "8:0 rbytes=100 wbytes=20 rios=1 wios=1 dbytes=0 dios=0\n8:16 rbytes=1 wbytes=2 rios=1 wios=1 dbytes=0 dios=0\n",
	})
	g := &Group{dirs: []*dir{{h: &hierarchy{v2: true}, path: dir2}}}
	var u Usage
	g.Read(&u)
	if u.User.Seconds() != 1 || u.System.Seconds() != 0.5 || *u.OOMKills != 1 || *u.MemoryPeak != 4096 || *u.IORead != 101 || *u.IOWritten != 22 || u.PidsPeak != nil {
		t.Errorf("version 2: %+v", u)
	}
	dir1 := files(t, map[string]string{
		"cpuacct.usage_user":              "1000000000\n",
		"cpuacct.usage_sys":               "500000000\n",
		"cpuacct.usage":                   "1500000000\n",
		"memory.oom_control":              "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
		"memory.max_usage_in_bytes":       "8192\n",
		"blkio.throttle.io_service_bytes": "8:0 Read 5\n8:0 Write 6\n8:0 Total 11\nTotal 11\n",
	})
	g, u = &Group{dirs: []*dir{{h: &hierarchy{}, path: dir1}}}, Usage{}
	g.Read(&u)
	if u.User.Seconds() != 1 || u.System.Seconds() != 0.5 || *u.OOMKills != 3 || *u.MemoryPeak != 8192 || *u.IORead != 5 || *u.IOWritten != 6 {
		t.Errorf("version 1: %+v", u)
	}
	if g.CPUTime().Seconds() != 1.5 {
		t.Error(g.CPUTime())
	}
}

func files(t *testing.T, content map[string]string) string {
	dir := t.TempDir()
	for name, text := range content {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
