package cgroup

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Pass returns words by which a program that this process executes can
// [Adopt] the group, and has its descriptors, with their locks, kept open.
func (g *Group) Pass(keepOpen func(fd int)) (words []string) {
	if g == nil {
		return nil
	}
	for _, d := range g.dirs {
		version := "1"
		if d.h.v2 {
			version = "2"
		}
		keepOpen(d.fd)
		words = append(words, version+":"+strconv.Itoa(d.fd)+":"+d.path)
	}
	return words
}

// Adopt takes over a group from the words of [Group.Pass]; none give nil.
func Adopt(words []string) *Group {
	g := new(Group)
	for _, word := range words {
		parts := strings.SplitN(word, ":", 3)
		if len(parts) != 3 {
			continue
		}
		fd, err := strconv.Atoi(parts[1])
		if err != nil {
			continue
		}
		unix.CloseOnExec(fd)
		g.dirs = append(g.dirs, &dir{h: &hierarchy{v2: parts[0] == "2"}, path: parts[2], fd: fd})
	}
	if len(g.dirs) == 0 {
		return nil
	}
	return g
}
