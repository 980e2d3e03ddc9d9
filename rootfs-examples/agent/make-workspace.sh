#!/bin/sh
set -eu
rm -rf workspace
git init -q workspace
cd workspace
git config user.name agent
git config user.email agent@localhost
echo 'echo "1 test passed"' >test.sh
git add test.sh
git commit -qm 'A test'
