#!/bin/sh
# Becomes a systemd with units of its own. Runs inside fresh PID, mount, UTS, IPC and cgroup namespaces, so nothing outside is touched.
# Usage: systemd.sh UNITS  (a directory that holds test.target and its units; it must not lie below /tmp or /run)
set -eu
units=$1
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p /run/dbus
# No trailing colon: with one, the machine's own units would start too.
export SYSTEMD_UNIT_PATH="$units" container=other
for systemd in /lib/systemd/systemd /usr/lib/systemd/systemd; do
    [ -x "$systemd" ] && exec "$systemd" --system --unit=test.target --log-level=info --log-target=console --show-status=no
done
echo "no systemd" >&2
exit 1
