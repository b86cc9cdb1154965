# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""NFS-Ganesha as a service of a test host, as the role ``backup_host`` expects one."""

from __future__ import annotations

from lab.host import Host

SCRIPT = """#!/bin/sh
### BEGIN INIT INFO
# Provides: nfs-ganesha
# Required-Start:
# Required-Stop:
# Default-Start: 2 3 4 5
# Default-Stop: 0 1 6
# Short-Description: in place of Debian's unit for systemd, the same program with the same configuration
### END INIT INFO
pid=/run/ganesha/ganesha.pid
runs() { test -e $pid && kill -0 "$(cat $pid)" 2>/dev/null; }
case $1 in
status) runs && echo "nfs-ganesha is running" ;;
start) runs || { mkdir -p /run/ganesha && ganesha.nfsd -L /var/log/ganesha.log; } ;;
stop) runs && kill "$(cat $pid)" && while runs; do sleep 0.1; done; true ;;
restart) "$0" stop && "$0" start ;;
esac
"""
# The hosts of the lab have no systemd, though Debian's files look like it.
VARIABLES = {"backup_host_manage_python": False, "backup_host_service_manager": "service"}
"""What the role must be told on such a host."""


def install(host: Host) -> None:
    """Make ``service nfs-ganesha`` work."""
    host.write("/etc/init.d/nfs-ganesha", SCRIPT, 0o755)
