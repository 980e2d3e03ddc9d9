#!/bin/sh
# Starts the registry, builds in the jail, tries a package that is not allowed,
# and runs the result, in a jail as well.
set -eu
node registry.js socket/socket allowed &
registry=$!
trap 'kill $registry' EXIT
while [ ! -S socket/socket ]; do sleep 0.1; done
jailspawn run -f build.jail.toml
jailspawn run -f build.jail.toml -- node /relay.js npm install --no-audit --no-fund --no-update-notifier evil || echo "refused, as it should be"
jailspawn run -f build.jail.toml -- node index.js
