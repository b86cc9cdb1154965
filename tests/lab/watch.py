# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recording what crosses a host's link and what its processes do, to look for what must never be there."""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import subprocess
import threading
import time
from collections.abc import Iterator

from lab.host import ENVIRONMENT, Host, LabError


@contextlib.contextmanager
def capture(host: Host, file: pathlib.Path) -> Iterator[pathlib.Path]:
    """Write every packet on the host's link to a pcap file inside the block; complete when the block ends."""
    command = [
        "nsenter",
        "--target",
        str(host.fleet.pid),
        "--net",
        "--",
        "tcpdump",
        "--immediate-mode",
        "-U",
        "-n",
        "-s",
        "0",
        "-B",
        "32768",
        "-Z",
        "root",
        "-i",
        host.link,
        "-w",
        str(file),
    ]
    with recording(command, "listening on"):
        yield file


@contextlib.contextmanager
def trace(host: Host, file: pathlib.Path, process: str = "sshd") -> Iterator[pathlib.Path]:
    """Write the system calls of a host's daemon and of everything that it starts to a file inside the block.

    Programs, their arguments and environment, and all that they read and write are in it, undivided up to 1 MiB a call.
    """
    outside = daemon_outside(host, process)
    calls = "execve,execveat,read,readv,pread64,write,writev,pwrite64,sendto,sendmsg,recvfrom,recvmsg,open,openat"
    shown = ["-f", "-v", "-x", "-s", "1048576", "-e", f"trace={calls}"]
    command = ["strace", *shown, "-o", str(file), "-p", str(outside)]
    with recording(command, "attached"):
        yield file


def search_files(host: Host, secret: bytes) -> list[str]:
    """The files on a host whose content or name holds a secret: all that the host wrote, /run, /tmp and /dev/shm.

    The machine's own folders that hosts see, read-only, are left out: the tests themselves lie there.
    """
    inside = pathlib.Path(f"/proc/{host.pid}/root")
    left_out = {str(inside) + str(bind) for bind in host.fleet.binds}
    found = []
    for top in (host.changes, *(inside / name for name in ("run", "tmp", "dev/shm"))):
        for folder, folders, files in os.walk(top):
            folders[:] = [name for name in folders if f"{folder}/{name}" not in left_out]
            for path in (pathlib.Path(folder, name) for name in (*folders, *files)):
                named = secret in bytes(path)
                if named or (path.is_file() and not path.is_symlink() and secret in path.read_bytes()):
                    found.append(str(path))
    return found


def daemon_outside(host: Host, process: str) -> int:
    """The process id, on the machine, of a host's daemon."""
    # The lowest is the daemon, the others serve connections.
    inside = str(min(map(int, host.output(["pidof", process]).split())))
    wanted = pathlib.Path(f"/proc/{host.pid}/ns/pid").readlink()
    for status in pathlib.Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            if (status.parent / "ns" / "pid").readlink() == wanted:
                for line in status.read_text().splitlines():
                    if line.startswith("NSpid:") and line.split()[-1] == inside:
                        return int(status.parent.name)
    raise LabError(f"no process {inside} on that host")


@contextlib.contextmanager
def recording(command: list[str], ready: str) -> Iterator[None]:
    """Run a recorder from the moment that it says it is ready until the block ends, and let it write all it has."""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
    ) as process:
        said = []
        while process.stderr is not None:
            line = process.stderr.readline()
            said.append(line)
            if ready in line:
                break
            if not line:
                raise LabError(f"{command[0]} did not start: {''.join(said)}")
        # It says a line for every process that it meets, and must never wait for a reader.
        talk = threading.Thread(target=process.communicate, daemon=True)
        talk.start()
        try:
            yield
        finally:
            # What is still on its way through the kernel belongs to the record.
            time.sleep(0.2)
            process.send_signal(signal.SIGINT)
            talk.join(timeout=30)
            process.wait(timeout=10)
