#!/bin/sh
# Uses the database through its socket.
set -eu
for _ in $(seq 60); do
	psql -qAt -h "$PWD/run" -U me postgres -c 'select 1' >/dev/null 2>&1 && break
	sleep 1
done
pgbench -q -i -h "$PWD/run" -U me postgres 2>/dev/null
pgbench -t 20 -h "$PWD/run" -U me postgres 2>/dev/null | grep 'number of transactions actually processed'
