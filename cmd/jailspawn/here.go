package main

import (
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup/rawfile"
)

// firstPerson is from which id on accounts are of people (UID_MIN of
// login.defs(5)).
const firstPerson = 1000

// opensHome returns the home directory of which a directory, given by its
// physical path, would open all: that of the caller or of the directory's owner,
// or any that lies below it. HOME alone doesn't tell: it may be unset, lead over
// a link or, behind sudo(8), be another's.
func opensHome(dir string) string {
	ids := []int{os.Geteuid()}
	var st unix.Stat_t
	if unix.Stat(dir, &st) == nil {
		ids = append(ids, int(st.Uid))
	}
	data, _ := rawfile.Read("/etc/passwd")
	passwd := string(data)
	homes := []string{os.Getenv("HOME")}
	for _, id := range ids {
		if a, known := findAccount(passwd, strconv.Itoa(id)); known {
			homes = append(homes, a.home)
		}
	}
	for _, home := range homes {
		if real, err := filepath.EvalSymlinks(home); err == nil && filepath.IsAbs(real) && real != "/" && beneath(real, dir) {
			return home
		}
	}
	for f := range records(passwd, 7) {
		if !filepath.IsAbs(f[5]) {
			continue
		}
		home := filepath.Clean(f[5])
		if uid, ok := parseID(f[2]); ok && uid >= firstPerson && home != dir && beneath(home, dir) {
			if _, err := os.Lstat(home); err == nil {
				return home
			}
		}
	}
	return ""
}
