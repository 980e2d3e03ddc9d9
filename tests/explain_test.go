package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// probes are shell scripts that are run in a jail and end with 0 if a sentence
// of plan --explain is true there; for the rest see events. Their arguments are the sentence's
// items.
var probes = []struct{ sentence, script string }{
	{`^The root is a file system of the jail's own`, `[ ! -e "$OUTSIDE" ]`},
	{`^These parts of the host, where it has them, can be read and not written: (.*)\.$`, `
		for p; do
			[ -e "$p" ] || continue
			cat "$p" >/dev/null 2>&1 || ls "$p" >/dev/null || exit 1
			if [ -d "$p" ]; then ! (: >"$p/.probe") 2>/dev/null || exit 1; else ! (: >>"$p") 2>/dev/null || exit 1; fi
			real=$(readlink -f "$p")
			awk -v p="$real" '$5 == p {found = 1; if ($6 !~ /^ro/) bad = 1} END {exit !found || bad}' /proc/self/mountinfo || exit 1
		done`},
	{`^These parts of the host, where it has them, can be written, and what is written stays: (.*)\.$`, `for p; do [ ! -d "$p" ] || : >"$p/.probe" || exit 1; done`},
	{`^The host's (.*) can be written, and what is written stays\.$`, `for p; do : >"$p/.probe" || exit 1; done`},
	{`^Symbolic links of the jail's own: (.*)\.$`, `for l; do [ "$(readlink "${l%% -> *}")" = "${l##* -> }" ] || exit 1; done`},
	{`^Files of the jail's own: (.*)\.$`, `for p; do [ -f "$p" ] || exit 1; done`},
	{`^Directories of the jail's own: (.*)\.$`, `for p; do [ -d "$p" ] || exit 1; done`},
	{`^Empty at first, writable, and gone with the jail: (.*)\.$`, `
		for p; do
			p=${p%% *}
			case $PWD in "$p"/*) ;; *) [ -z "$(ls -A "$p")" ] || exit 1 ;; esac
			: >"$p/.probe" && [ "$(stat -f -c %T "$p")" = tmpfs ] || exit 1
		done`},
	{`^What stands here is hidden: (.*)\.$`, `for p; do if [ -d "$p" ]; then [ -z "$(ls -A "$p")" ] || exit 1; else [ ! -s "$p" ] || exit 1; fi; done`},
	{`^Nothing can be written, moved, replaced or made at: (.*)\.$`, `
		for p; do
			! (echo x >"$p") 2>/dev/null && ! mkdir -p "$p/.probe" 2>/dev/null && ! mv "$p" "$p.moved" 2>/dev/null &&
				! rmdir "$p" 2>/dev/null && ! rm -f "$p" 2>/dev/null && ! ln -sfT /etc/passwd "$p" 2>/dev/null || exit 1
		done`},
	{`^Directories here can be written, but not moved, replaced or, where they are missing, made: (.*)\.$`, `
		for p; do
			: >"$p/.probe" && ! mv "$p" "$p.moved" 2>/dev/null && ! rm -rf "$p" 2>/dev/null || exit 1
		done`},
	{`^In places of the host that are kept free an empty directory or a file stands while the jail runs\.$`, `
		[ -d .envrc ] && [ ! -s .envrc/* ] && [ -s .git/commondir ]`},
	{`^(/proc) shows the jail's own processes; its settings can't be changed\.$`, `
		[ "$(ls /proc | grep -c '^[0-9]')" -le 8 ] && [ ! -e "/proc/$HOST_PID" ] && ! (echo x >/proc/sys/kernel/domainname) 2>/dev/null`},
	{`^(/dev) has null, zero, full, random, urandom, tty and terminals`, `
		for d in /dev/*; do
			[ ! -c "$d" ] && [ ! -b "$d" ] && continue
			case ${d#/dev/} in null | zero | full | random | urandom | tty | ptmx | console | std*) ;; *) exit 1 ;; esac
		done; : >/dev/null`},
	{`^The command starts in (.*)\.$`, `[ "$PWD" = "$1" ]`},
	{`^The only network interface is a loopback of the jail's own\.$`, `[ "$(tail -n +3 /proc/net/dev | sed 's/:.*//; s/ //g')" = lo ]`},
	{`^It runs as uid ([0-9]+) and gid [0-9]+ inside`, `[ "$(id -u)" = "$1" ]`},
	{`^It has no capability and can't gain one\.$`, `! grep -E '^Cap' /proc/self/status | grep -qv 0000000000000000 && grep -q '^NoNewPrivs:.1$' /proc/self/status`},
	{`^It keeps these capabilities and can't gain another: (.*)\.$`, `
		mask=$(sed -n 's/^CapBnd:.//p' /proc/self/status) bits=0 n=$((0x$mask))
		while [ $n != 0 ]; do bits=$((bits + (n & 1))) n=$((n >> 1)); done
		[ $bits = $# ] && grep -q "^CapEff:.$mask$" /proc/self/status`},
	{`^These securebits are set and locked: (.*)\.$`, `[ ! -x /usr/bin/python3 ] || /usr/bin/python3 -c 'import ctypes; exit(ctypes.CDLL(None).prctl(27) & 0xf == 0)'`},
	{`^It can't make user namespaces\.$`, `! unshare -U true 2>/dev/null`},
	{`^It can't make the system calls that the default policy refuses\.$`, `grep -q '^Seccomp:.2$' /proc/self/status && ! chmod u+s /tmp 2>/dev/null`},
	{`^Its system calls are filtered by the policy that was given\.$`, `grep -q '^Seccomp:.2$' /proc/self/status && nice -n 5 true 2>&1 | grep -q cannot`},
	{`^It lives in a user and mount namespace of its own inside the jail, so that read-only mounts stay read-only`, `! mount -o remount,rw,bind /usr 2>/dev/null`},
	{`^No process outside the jail can be seen or signalled\.$`, `! kill -0 "$HOST_PID" 2>/dev/null`},
	{`^The environment has the variables (.*)\.$`, `for v; do env | grep -q "^$v=" || exit 1; done`},
	{`^The environment has no other variable\.$`, `! env | cut -d= -f1 | grep -vxE "$VARIABLES|PWD|_|SHLVL|OLDPWD|VARIABLES|HOST_PID|OUTSIDE"`},
	{`^The caller's descriptors 0, 1 and 2 are open, and no other\.$`, `[ "$(echo $(ls /proc/self/fd))" = "0 1 2 3" ]`},
	{`^The host name is (.*)\.$`, `[ "$(cat /proc/sys/kernel/hostname)" = "$1" ]`},
	{`^Resource limits are set: (.*)\.$`, `
		for l; do
			set -- $l
			case $1 in nofile) [ "$(ulimit -n)" = "$3" ] || exit 1 ;; core) [ "$(ulimit -c)" = "$3" ] || exit 1 ;; esac
		done`},
	{`^No limit but those of the host holds for memory, processor time and disks\.$`, `[ "$(ulimit -t)" = unlimited ]`},
}

// TestExplainIsTrue probes from inside each sentence that plan --explain says of
// each preset.
func TestExplainIsTrue(t *testing.T) {
	jailspawn := filepath.Join(bin(t), "jailspawn")
	names, err := exec.Command(jailspawn, "preset").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, preset := range strings.Fields(string(names)) {
		t.Run(preset, func(t *testing.T) {
			t.Parallel() // much of it is waiting
			explainIsTrue(t, jailspawn, preset)
		})
	}
}

func explainIsTrue(t *testing.T, jailspawn, preset string) {
	work, outside := t.TempDir(), t.TempDir()
	for _, dir := range []string{".git/hooks", ".vscode"} {
		if err := os.MkdirAll(filepath.Join(work, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	explain := exec.Command(jailspawn, "plan", "--explain", "--preset", preset)
	explain.Dir = work
	text, err := explain.Output()
	if err != nil {
		t.Fatal(err)
	}
	var variables []string
	said := 0
	p := &presetJail{jailspawn: jailspawn, preset: preset, work: work}
	defer p.probes.Wait()
	for line := range strings.Lines(string(text)) {
		sentence, ok := strings.CutPrefix(line, "  ")
		if !ok {
			continue // a heading
		}
		said++
		sentence = because.ReplaceAllString(strings.TrimSuffix(sentence, "\n"), "")
		if p.begin(t, sentence) {
			continue
		}
		script, items, known := probeFor(sentence)
		if !known {
			t.Errorf("no probe for: %s", sentence)
			continue
		}
		if strings.HasPrefix(sentence, "The environment has the variables") {
			variables = append(variables, items...)
		}
		args := []string{
			"run", "--preset", preset, "--env", "OUTSIDE=" + outside, "--env", "HOST_PID=" + strconv.Itoa(os.Getpid()),
			"--env", "VARIABLES=" + strings.Join(variables, "|"), "--", "sh", "-c", script, "sh",
		}
		probe := exec.Command(jailspawn, append(args, items...)...)
		probe.Dir = work
		if out, err := probe.CombinedOutput(); err != nil {
			t.Errorf("not true: %s\n%v\n%s", sentence, err, out)
		}
	}
	if said < 15 {
		t.Errorf("only %d sentences", said)
	}
	if _, err := os.Stat(filepath.Join(work, ".probe")); strings.Contains(string(text), "what is written stays") != (err == nil) {
		t.Errorf("what was written in the current directory: %v", err)
	}
}

// because is the reason at the end of a sentence.
var because = regexp.MustCompile(` \((by default|--|[a-z]+\.[a-z-]+ in ).*\)$`)

func probeFor(sentence string) (script string, items []string, known bool) {
	for _, p := range probes {
		if items, is := itemsOf(p.sentence, sentence); is {
			return p.script, items, true
		}
	}
	return "", nil, false
}

// itemsOf matches a sentence, and returns what it lists.
func itemsOf(pattern, sentence string) (items []string, is bool) {
	m := regexp.MustCompile(pattern).FindStringSubmatch(sentence)
	if len(m) > 1 {
		items = strings.Split(m[1], ", ")
	}
	return items, m != nil
}
