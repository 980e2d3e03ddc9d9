#!/bin/sh
# Packs the allowed packages as npm does.
set -eu
for dir in allowed/*/; do
	name=$(basename "$dir")
	tar -C allowed -czf "allowed/$name.tgz" --transform "s,^$name,package," "$name"
done
