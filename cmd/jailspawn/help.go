package main

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed help/*.txt
var helpTexts embed.FS

// runHelp lists the sections of the help of run and plan, in their order.
var runHelp = []string{
	"run",
	"run-files",
	"run-names",
	"run-identity",
	"run-rights",
	"run-schedule",
	"run-network",
	"run-seccomp",
	"run-landlock",
	"run-limits",
	"run-life",
	"run-service",
	"run-named",
	"run-watch",
	"run-plans",
	"run-example",
}

// helpPages names the sections of each page; a verb's page has its name.
func helpPages() map[string][]string {
	return map[string][]string{
		"":           {"main"},
		"completion": {"completion"},
		"exec":       {"exec"},
		"preset":     {"preset"},
		"up":         {"up"},
		"down":       {"down"},
		"help":       {"main"},
		"inspect":    {"inspect"},
		"kill":       {"kill"},
		"logs":       {"logs"},
		"ls":         {"ls"},
		"pause":      {"pause"},
		"prune":      {"prune"},
		"ps":         {"ps"},
		"resume":     {"pause"},
		"stop":       {"stop"},
		"wait":       {"wait"},
		"version":    {"main"},
		"run":        runHelp,
		"seccomp":    {"seccomp"},
		"plan":       append([]string{"plan"}, runHelp...),
	}
}

// printHelp is the verb help.
func printHelp(args []string) (int, error) {
	if len(args) > 1 {
		return 0, usage("help takes one verb", "")
	}
	text, err := helpText(strings.Join(args, ""))
	if err == nil {
		fmt.Print(text)
	}
	return 0, err
}

// helpText joins the sections of a page with a blank line between them.
func helpText(page string) (string, error) {
	sections, ok := helpPages()[page]
	if !ok {
		return "", usage("no help for "+page, "see jailspawn help")
	}
	texts := make([]string, len(sections))
	for i, name := range sections {
		data, err := helpTexts.ReadFile("help/" + name + ".txt")
		if err != nil {
			return "", err // a section without a file is a bug that the tests find
		}
		texts[i] = string(data)
	}
	return strings.Join(texts, "\n"), nil
}
