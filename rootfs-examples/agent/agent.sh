#!/bin/sh
# What an agent does, and what one should not.
set -u
echo 'echo "2 tests passed"' >test.sh
sh test.sh
git commit -qam 'Another test' && git log --oneline | wc -l

# A server on loopback of the jail's own.
git daemon --export-all --reuseaddr --port=9418 --listen=127.0.0.1 "$PWD" 2>/dev/null &
for _ in 1 2 3 4 5 6 7 8 9 10; do
	git ls-remote "git://127.0.0.1$PWD" HEAD >/tmp/heads 2>/dev/null && break
	sleep 1
done
[ -s /tmp/heads ] && echo 'git over loopback works'

# Servers on the list, and others.
git clone -q http://packages.example:8731/library.git /tmp/library && sh /tmp/library/test.sh
curl -sS http://elsewhere.example/
curl -sS -m 5 --noproxy '*' http://192.0.2.1/ || echo 'no way past the proxy'

# What the host would execute later.
echo 'evil' >.git/hooks/post-checkout || echo 'hooks are refused'
git config core.pager evil || echo 'git config is refused'
echo 'evil' >.envrc || echo 'a new .envrc is refused'
mkdir -p .vscode/evil || echo 'editor settings are refused'
ls /home/*/.ssh /root/.ssh 2>/dev/null || echo 'no keys to be seen'
