#!/bin/sh
# A repository for the agent, and one that a server serves.
set -eu
rm -rf workspace served proxy
mkdir -p served proxy
git init -q workspace
cd workspace
git config user.name agent
git config user.email agent@localhost
echo 'echo "1 test passed"' >test.sh
git add test.sh
git commit -qm 'A test'
git clone -q --bare . ../served/library.git
git -C ../served/library.git update-server-info
