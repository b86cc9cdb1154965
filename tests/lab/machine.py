# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a machine must offer before test hosts can run on it."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys

PROJECT = pathlib.Path(__file__).resolve().parents[2]

SCRATCH = pathlib.Path("/run/ucops-lab")
"""An empty folder; each fleet mounts its disks over it in a mount namespace of its own."""

PROGRAMS = (
    "acl:setfacl",
    "age",
    "attr:setfattr",
    "iproute2:ip",
    "kamailio",
    "mariadb-server:mariadbd",
    "nftables:nft",
    "openssh-server:sshd",
    "postgresql:pg_ctlcluster",
    "rsync",
    "sip-tester:sipp",
    "sqlite3",
    "strace",
    "sudo",
    "tcpdump",
    "util-linux:nsenter",
    "util-linux:unshare",
    "zstd",
)
"""Programs that the hosts run, each with its Debian package in front where the names differ."""

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def why_not() -> str:
    """One sentence that says why no test hosts can run here; empty when they can."""
    if not sys.platform.startswith("linux"):
        return "test hosts need Linux"
    if os.geteuid() != 0:
        return "test hosts need root"
    missing = [each for each in PROGRAMS if not shutil.which(each.rpartition(":")[2], path=PATH)]
    if missing:
        packages = sorted({each.partition(":")[0] for each in missing})
        return f"not installed: {', '.join(packages)} (`make test` installs them as root on Debian)"
    # Said by the kernel, not guessed: a container may have root and yet no right to any of this.
    trial = f"mount -t tmpfs tmpfs {SCRATCH} && cd {SCRATCH} && mkdir u w r && ip link add trial type bridge"
    trial += " && mount -t overlay overlay -o lowerdir=/,upperdir=u,workdir=w r"
    SCRATCH.mkdir(parents=True, exist_ok=True)
    command = ["unshare", "--mount", "--net", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "sh", "-c", trial]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env={"PATH": PATH})
    if done.returncode != 0:
        return f"the kernel refuses namespaces, overlay or bridge ({done.stderr.strip()})"
    return ""
