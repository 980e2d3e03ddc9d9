#!/bin/sh
# Starts a server with a repository, on the host's loopback, and the proxy that
# leads to it; then the stand-in for an agent, in its jail.
set -eu
python3 -u -m http.server --bind 127.0.0.1 --directory served 8731 >served.log 2>&1 &
server=$!
python3 proxy.py proxy/socket allowed-servers packages.example=127.0.0.1 &
proxy=$!
trap 'kill $server $proxy' EXIT
until [ -S proxy/socket ] && grep -q Serving served.log; do sleep 0.1; done
cd workspace
jailspawn run -f ../agent.jail.toml -- python3 /relay.py sh /agent.sh
git status --short
