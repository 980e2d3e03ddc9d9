package main

import (
	_ "embed"
	"fmt"
)

//go:embed help.txt
var helpText string

//go:embed help-run.txt
var helpRun string

// printHelp is the verb help.
func printHelp(args []string) (int, error) {
	if len(args) > 1 {
		return 0, usage("help takes one verb", "")
	}
	text := helpText
	if len(args) == 1 {
		switch args[0] {
		case "run", "plan":
			text = helpRun
		case "version", "help":
		default:
			return 0, usage("no help for "+args[0], "see jailspawn help")
		}
	}
	fmt.Print(text)
	return 0, nil
}
