package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/jailspawn/jailspawn/setup"
)

// shells write the completions, one function each.
func shells() map[string]func(io.Writer, []completedVerb) {
	return map[string]func(io.Writer, []completedVerb){
		"bash": bashCompletion,
		"fish": fishCompletion,
		"zsh":  zshCompletion,
	}
}

// A completedVerb is a verb with its flags.
type completedVerb struct {
	helpLine
	flags []helpLine
}

// printCompletion is the verb completion.
func printCompletion(args []string) (int, error) {
	if len(args) != 1 || shells()[args[0]] == nil {
		return 0, usage("completion takes the name of a shell", "bash, fish or zsh")
	}
	lines, err := helpVerbs()
	if err != nil {
		return 0, err
	}
	verbs := make([]completedVerb, len(lines))
	for i, line := range lines {
		flags, err := helpFlags(line.name)
		if err != nil {
			return 0, err
		}
		verbs[i] = completedVerb{line, flags}
	}
	shells()[args[0]](os.Stdout, verbs)
	return 0, nil
}

// runsCommand reports whether a command follows the verb's flags.
func (v *completedVerb) runsCommand() bool {
	return v.name == "run" || v.name == "plan" || v.name == "exec"
}

// choices lists the words that a flag's value can be, where they are known.
func (l *helpLine) choices() []string {
	switch value, _, list := strings.Cut(l.value, ",..."); {
	case value == "CAP" && list:
		return append([]string{"all"}, setup.CapabilityNames()...)
	case value == "NS" && list:
		var names []string
		for _, r := range setup.Namespaces {
			if r.Refused == "" {
				names = append(names, string(r.Namespace))
			}
		}
		return names
	}
	for _, value := range []string{l.value, l.other} {
		if strings.Contains(value, "|") && strings.ToLower(value) == value {
			return strings.Split(value, "|")
		}
	}
	return nil
}

// isPath reports whether a flag's value begins with a path of the host.
func (l *helpLine) isPath() bool {
	for _, word := range []string{"PATH", "FILE", "DIR"} {
		if strings.HasPrefix(l.value, word) {
			return true
		}
	}
	return false
}

const bashHead = `# bash completion for jailspawn
_jailspawn() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} verb=${COMP_WORDS[1]}
	local flags="" i name=
	COMPREPLY=()
	[[ $prev == = ]] && prev=${COMP_WORDS[COMP_CWORD - 2]}
	[[ $cur == = ]] && prev=${COMP_WORDS[COMP_CWORD - 1]} && cur=
	if ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W "%s" -- "$cur")
		return
	fi
`

const bashTail = `	for ((i = 2; i < COMP_CWORD; i++)); do
		case $verb:${COMP_WORDS[i]} in
		*:--) i=$((i + 1)) && break ;;
		%s)
			[[ ${COMP_WORDS[i + 1]} == = ]] && i=$((i + 1))
			i=$((i + 1))
			;;
		*:-*) ;;
		exec:*)
			[[ -z $name ]] || break
			name=${COMP_WORDS[i]}
			;;
		*) break ;;
		esac
	done
	if ((i >= COMP_CWORD)) && [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$flags" -- "$cur")
	elif [[ $verb == @(run|plan) || $verb == exec && -n $name ]]; then
		if ((i < COMP_CWORD)) && declare -F _command_offset >/dev/null; then
			_command_offset "$i"
		else
			mapfile -t COMPREPLY < <(compgen -c -- "$cur")
		fi
	fi
}
complete -F _jailspawn jailspawn
`

func bashCompletion(w io.Writer, verbs []completedVerb) {
	var names, valued []string
	for _, v := range verbs {
		names = append(names, v.name)
	}
	fmt.Fprintf(w, bashHead, strings.Join(names, " "))
	fmt.Fprint(w, "\tcase $verb in\n")
	for _, v := range verbs {
		var flags []string
		for _, f := range v.flags {
			flags = append(flags, "--"+f.name)
			if f.value != "" {
				valued = append(valued, v.name+":--"+f.name)
			}
		}
		fmt.Fprintf(w, "\t%s) flags=%q ;;\n", v.name, strings.Join(flags, " "))
	}
	fmt.Fprint(w, "\tesac\n\tcase $verb:$prev in\n")
	for _, v := range verbs {
		for _, f := range v.flags {
			reply := "return"
			switch {
			case f.value == "":
				continue
			case f.choices() != nil:
				reply = fmt.Sprintf("mapfile -t COMPREPLY < <(compgen -W %q -- \"$cur\") && return", strings.Join(f.choices(), " "))
			case f.isPath():
				reply = "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") && return"
			}
			fmt.Fprintf(w, "\t%s:--%s) %s ;;\n", v.name, f.name, reply)
		}
	}
	fmt.Fprint(w, "\tesac\n")
	fmt.Fprintf(w, bashTail, strings.Join(valued, " | "))
}

// fishHead has two functions. The one tells the words of the command that follows
// the flags, up to the cursor, and fails where there is none yet; the other
// whether a flag of a verb can stand at the cursor.
const fishHead = `# fish completion for jailspawn
function __jailspawn_command
	set -l words (commandline -opc)
	set -l verb $words[2]
	set -l i 3
	set -l name
	contains -- $verb run plan exec; or return 1
	while test $i -le (count $words)
		switch $verb:$words[$i]
			case '*:--'
				set i (math $i + 1)
				break
			case %s
				set i (math $i + 2)
			case '*:-*'
				set i (math $i + 1)
			case 'exec:*'
				test -n "$name"; and break
				set name $words[$i]
				set i (math $i + 1)
			case '*'
				break
		end
	end
	test $verb = exec -a -z "$name"; and return 1
	if test $i -gt (count $words)
		contains -- -- $words; or not string match -q -- '-*' (commandline -ct)
		return
	end
	printf '%%s\n' $words[$i..]
end
function __jailspawn_complete_command
	complete --do-complete=(string join ' ' -- (string escape -- (__jailspawn_command)) (commandline -ct))
end
function __jailspawn_flags
	set -l words (commandline -opc)
	test "$words[2]" = $argv[1]; and test -z "$(__jailspawn_command)"; and not contains -- -- $words
end
complete -c jailspawn -f
complete -c jailspawn -n __jailspawn_command -a '(__jailspawn_complete_command)'
`

func fishCompletion(w io.Writer, verbs []completedVerb) {
	var valued []string
	for _, v := range verbs {
		for _, f := range v.flags {
			if f.value != "" && v.runsCommand() {
				valued = append(valued, v.name+":--"+f.name)
			}
		}
	}
	fmt.Fprintf(w, fishHead, strings.Join(valued, " "))
	for _, v := range verbs {
		fmt.Fprintf(w, "complete -c jailspawn -n __fish_use_subcommand -a %s -d %s\n", v.name, quoted(v.text))
		for _, f := range v.flags {
			value := ""
			switch {
			case f.choices() != nil:
				value = " -x -a " + quoted(strings.Join(f.choices(), " "))
			case f.isPath():
				value = " -r -F"
			case f.value != "":
				value = " -x"
			}
			fmt.Fprintf(w, "complete -c jailspawn -n '__jailspawn_flags %s' -l %s%s -d %s\n", v.name, f.name, value, quoted(f.text))
		}
	}
}

func zshCompletion(w io.Writer, verbs []completedVerb) {
	fmt.Fprint(w, "#compdef jailspawn\nlocal -a verbs\nverbs=(\n")
	for _, v := range verbs {
		fmt.Fprintf(w, "\t%s\n", quoted(v.name+":"+v.text))
	}
	fmt.Fprint(w, ")\nif ((CURRENT == 2)); then\n\t_describe verb verbs\n\treturn\nfi\nlocal verb=$words[2]\nshift words\n((CURRENT--))\ncase $verb in\n")
	for _, v := range verbs {
		fmt.Fprintf(w, "%s)\n\t_arguments -S", v.name)
		for _, f := range v.flags {
			fmt.Fprintf(w, " \\\n\t\t%s", quoted("*--"+f.name+zshValue(&f)))
		}
		if v.runsCommand() {
			command := 1
			if v.name == "exec" {
				fmt.Fprint(w, " \\\n\t\t'1:name: '")
				command++
			}
			fmt.Fprintf(w, " \\\n\t\t'(-)%d:command:_command_names -e' \\\n\t\t'*::arguments:_normal'", command)
		}
		fmt.Fprint(w, "\n\t;;\n")
	}
	fmt.Fprint(w, "esac\n")
}

// zshValue writes the text and value of a flag as _arguments wants them.
func zshValue(f *helpLine) string {
	escape := strings.NewReplacer("[", `\[`, "]", `\]`, ":", `\:`)
	s := "[" + escape.Replace(f.text) + "]"
	switch {
	case f.value == "":
		return s
	case f.choices() != nil:
		return s + ":" + escape.Replace(f.value) + ":(" + strings.Join(f.choices(), " ") + ")"
	case f.isPath():
		return s + ":" + escape.Replace(f.value) + ":_files"
	}
	return s + ":" + escape.Replace(f.value) + ": "
}

// quoted quotes a word for fish and zsh.
func quoted(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'"
}
