#!/bin/sh
# judge.sh SUBMISSION ...: prints a verdict for each.
for file in "$@"; do
	answer=$(echo 20 22 | jailspawn run -f judge.jail.toml --var submission="$PWD/$file" 2>/dev/null)
	case $? in
	0) if [ "$answer" = 42 ]; then verdict=accepted; else verdict="wrong answer"; fi ;;
	124) verdict="time limit" ;;
	125) verdict="judge failed" ;;
	*) verdict="runtime error" ;;
	esac
	echo "$(basename "$file"): $verdict"
done
