package main

import "strings"

// A helpLine is one flag or verb as its help text shows it. The completions
// are made of them, so that they know what help knows and nothing else.
type helpLine struct {
	name  string // "ro"; a verb's name
	value string // "PATH[:DEST]"; empty for a flag that takes none
	text  string // "show a file or directory, ..."
	other string // another form of its value, of a flag that is listed twice
}

// helpVerbs returns the verbs that the main page lists, in its order.
func helpVerbs() ([]helpLine, error) {
	text, err := helpText("")
	var list []helpLine
	for line := range strings.Lines(text) {
		head, desc := columns(line)
		words := strings.Fields(head)
		if len(words) < 2 || words[0] != "jailspawn" || words[1][0] == '-' || desc == "" {
			continue
		}
		if len(list) == 0 || list[len(list)-1].name != words[1] {
			list = append(list, helpLine{name: words[1], text: desc})
		}
	}
	return list, err
}

// helpFlags returns the flags that the page of a verb lists.
func helpFlags(verb string) ([]helpLine, error) {
	text, err := helpText(verb)
	return flagLines(text), err
}

// flagLines returns the flags that a help text lists, each once.
func flagLines(text string) []helpLine {
	var list []helpLine
	seen := map[string]int{}
	for line := range strings.Lines(text) {
		if text, more := strings.CutPrefix(line, textColumn); more && len(list) > 0 && !strings.HasPrefix(text, " ") {
			last := &list[len(list)-1]
			last.text = strings.TrimPrefix(last.text+" "+strings.TrimSpace(text), " ")
			continue
		}
		head, desc := columns(line)
		if strings.HasPrefix(head, "-") && len(head) > 4 && head[2] == ',' {
			head = head[4:] // "-f, --file FILE"
		}
		if !strings.HasPrefix(head, "--") {
			continue
		}
		for _, part := range strings.Split(strings.TrimPrefix(head, "--"), ", --") {
			name, value, _ := strings.Cut(part, " ")
			if at, again := seen[name]; again {
				list[at].other = value
			} else {
				seen[name] = len(list)
				list = append(list, helpLine{name: name, value: value, text: desc})
			}
		}
	}
	return list
}

// textColumn stands before a text that goes on from the line above.
const textColumn = "                        "

// columns splits an indented line of help at the gap before its text.
func columns(line string) (head, text string) {
	if !strings.HasPrefix(line, "  ") {
		return "", ""
	}
	head, text, _ = strings.Cut(strings.TrimSpace(line), "  ")
	return head, strings.TrimSpace(text)
}
