#!/bin/sh
# Jail one sees the directories of both; what it may do is the policy's to say.
set -eu
context=system_u:system_r:jail_t:s0:c1
files=system_u:object_r:jail_file_t:s0:c1
jailspawn run --selinux-label "$context" --mount-context "$files" --rw .:/here -- sh -c '
	cat /proc/self/attr/current; echo
	cat /here/one/file && echo more >/here/one/new && echo "its own files are its own"
	echo x >/tmp/x && echo "so is what it has in memory"
	cat /here/two/file || echo "those of jail two are not"
	echo x >/here/run.sh || echo "nor are the host files"
'
