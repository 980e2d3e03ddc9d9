package jailfile

import (
	"slices"
	"sort"
	"strings"

	"github.com/jailspawn/jailspawn/setup"
)

// sectionHint helps with an unknown name above all sections, which may be a key
// of one.
func (d *document) sectionHint(name string) string {
	if section := d.sectionOf(name); section != "" {
		return name + " goes under [" + section + "]"
	}
	known := append([]string{varsSection}, top...)
	for s := range d.schema {
		known = append(known, s)
	}
	return nearest(name, known, "known are ")
}

// keyHint helps with an unknown key of a section.
func (d *document) keyHint(section, name string) string {
	if other := d.sectionOf(name); other != "" {
		return name + " goes under [" + other + "]"
	}
	if slices.Contains(top, name) {
		return name + " goes above the first section"
	}
	var known []string
	for _, f := range d.schema[section] {
		known = append(known, f.Name)
	}
	return nearest(name, known, "known in ["+section+"] are ")
}

func (d *document) sectionOf(flag string) string {
	for section, flags := range d.schema {
		for _, f := range flags {
			if f.Name == flag {
				return section
			}
		}
	}
	return ""
}

func presetHint(name string, presets map[string][]byte) string {
	var known []string
	for n := range presets {
		known = append(known, n)
	}
	return nearest(name, known, "presets are ")
}

func nearest(name string, known []string, list string) string {
	if near := setup.Nearest(name, known); near != "" {
		return "did you mean " + near + "?"
	}
	sort.Strings(known)
	return list + strings.Join(known, " ")
}
