package seccomp

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"
)

//go:generate env UPDATE=1 go test -run Current .

// syscallsText has a line for each call: its name, then its number on amd64,
// x32 (where that is not amd64's), i386, arm64 and arm, "-" where there is none.
//
//go:embed syscalls.txt
var syscallsText string

// groupsText has a line for each group: its name and its members, which may be
// groups.
//
//go:embed groups.txt
var groupsText string

// Lists returns the text of both lists, for programs that go through all calls.
func Lists() (calls, groups string) { return syscallsText, groupsText }

// An arch is one calling convention of the kernel, by its column in the table.
type arch int

const (
	amd64 arch = iota
	x32        // shares amd64's filter, see [program]
	i386
	arm64
	arm
	archCount
)

// noCall stands for a call that an architecture doesn't have.
const noCall = -1

// A table knows the system calls and groups by name.
type table struct {
	calls  map[string][archCount]int
	groups map[string][]string // of names of calls
}

// tables reads the embedded lists. It takes some 0.1 ms, and only a policy
// other than the default pays it.
func tables() *table {
	t := &table{calls: make(map[string][archCount]int, 600), groups: map[string][]string{}}
	for line := range strings.Lines(syscallsText) {
		words := strings.Fields(line)
		var numbers [archCount]int
		for a := range numbers {
			n, err := strconv.Atoi(words[a+1])
			if err != nil {
				n = noCall
			}
			numbers[a] = n
		}
		t.calls[words[0]] = numbers
	}
	for line := range strings.Lines(groupsText) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0][0] == '#' {
			continue
		}
		name := strings.TrimSuffix(words[0], ":")
		for _, w := range words[1:] {
			if w[0] == '@' {
				t.groups[name] = append(t.groups[name], t.groups[w]...)
			} else {
				t.groups[name] = append(t.groups[name], w)
			}
		}
	}
	return t
}

// expand returns the calls that a word of a policy stands for.
func (t *table) expand(word string) (calls []string, ok bool) {
	if strings.HasPrefix(word, "@") {
		calls, ok = t.groups[word]
		return calls, ok
	}
	_, ok = t.calls[word]
	return []string{word}, ok
}

// names returns all words that expand knows, for hints.
func (t *table) names() []string {
	var names []string
	for name := range t.calls {
		names = append(names, name)
	}
	for name := range t.groups {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
