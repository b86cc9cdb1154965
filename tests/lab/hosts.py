# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fleets of light test hosts.

A fleet is one process that owns a network with a bridge, and the disks of all its hosts. Each host is a process 1 in
namespaces of its own (network, mounts, processes, name, IPC) below it. Nothing has a name outside: when the fleet's
process ends, the kernel takes all hosts, links and disks away. It ends with its stdin, so with the test run, however
that one ends.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import ipaddress
import itertools
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import IO

from lab.host import ENVIRONMENT, PREFIX, CommandFailed, Host, LabError, User
from lab.machine import PROJECT, SCRATCH

NETWORK = ipaddress.ip_network(f"10.77.0.0/{PREFIX}")
DISKS_ON_DISK = "ucops-lab-"


@dataclasses.dataclass(frozen=True)
class Keypair:
    """An Ed25519 key for logging in: OpenSSH private key file and public line."""

    private: str
    public: str


def make_keypair(passphrase: str = "") -> Keypair:
    """A new key pair, made by ssh-keygen."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "key")
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "lab", "-f", str(path)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        return Keypair(path.read_text(), path.with_suffix(".pub").read_text().strip())


class Fleet:
    """A bridge and its hosts. A context manager; :meth:`close` takes everything away.

    :param disk_size: upper limit of what all hosts together write, as mount writes it
    """

    def __init__(self, disk_size: str = "6g") -> None:
        self.hosts: dict[str, Host] = {}
        self._numbers = itertools.count(257)
        self.keypair = make_keypair()
        self._logs = tempfile.TemporaryDirectory(prefix="ucops-lab-logs-")
        self._folder: pathlib.Path | None = None
        self._lock: IO[str] | None = None
        SCRATCH.mkdir(parents=True, exist_ok=True)
        sweep()
        script = (
            f"mount -t tmpfs -o size={disk_size},mode=755 tmpfs {SCRATCH} && ip link set lo up"
            " && ip link add br0 type bridge && ip link set br0 up && read -r pid rest </proc/self/stat && echo $pid"
            " && while read -r line; do :; done"
        )
        command = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "bash", "-c", script]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log("fleet"),
            text=True,
            env=ENVIRONMENT,
            start_new_session=True,
        )
        said = self._process.stdout.readline().strip() if self._process.stdout else ""
        if not said:
            self.close()
            raise LabError(f"the fleet did not start:\n{self.log_text('fleet')}")
        self.pid = int(said)
        if not self._keeps_attributes():
            self._disks_on_disk()
        stage()

    def _keeps_attributes(self) -> bool:
        probe = f"touch {SCRATCH}/probe && setfattr -n user.probe -v 1 {SCRATCH}/probe"
        command = [*self.enter_command(), "sh", "-c", probe]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0

    def _disks_on_disk(self) -> None:
        """Kernels before 6.6 keep no user attributes on tmpfs: a folder stands in, and a lock says that we live."""
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix=DISKS_ON_DISK, dir="/var/tmp"))
        self._lock = (self._folder / "lock").open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        subprocess.run([*self.enter_command(), "mount", "--bind", str(self._folder), str(SCRATCH)], check=True)

    def __enter__(self) -> Fleet:
        return self

    def __exit__(self, *_unused: object) -> None:
        self.close()

    def close(self) -> None:
        """End every host and wait until they are gone."""
        if self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(timeout=10)
        for host in self.hosts.values():
            host.kill()
        if self._process.stdout:
            self._process.stdout.close()
        if self._folder and self._lock:
            self._lock.close()
            shutil.rmtree(self._folder, ignore_errors=True)
        self._logs.cleanup()

    # --- hosts --------------------------------------------------------------------------------------------------------
    def add(self, name: str, users: Sequence[User] = ()) -> Host:
        """Bring a new host up. Its root accepts the fleet's key. ``name`` has at most 13 characters."""
        if name in self.hosts or len(name) > 13:
            raise LabError(f"{name} exists already or is longer than 13 characters")
        host = Host(self, name, str(NETWORK[next(self._numbers)]))
        self.hosts[name] = host
        host.boot()
        host.add_user(User("root", authorized_keys=(self.keypair.public,)))
        for user in users:
            host.add_user(user)
        return host

    def remove(self, name: str) -> None:
        """Take a host away, with its disk. Nobody gets its address again."""
        host = self.hosts.pop(name)
        host.kill()
        shutil.rmtree(self.disks / name)
        self.introduce()

    def __getitem__(self, name: str) -> Host:
        return self.hosts[name]

    def introduce(self) -> None:
        """Tell every running host the names and addresses of all."""
        names = "".join(f"{host.address} {host.name}\n" for host in self.hosts.values())
        text = f"127.0.0.1 localhost\n::1 localhost\n{names}"
        for host in self.hosts.values():
            if host.running:
                pathlib.Path(f"/proc/{host.pid}/root/etc/hosts").write_text(text)

    def known_hosts(self) -> str:
        """A known_hosts file of the whole fleet."""
        return "".join(f"{host.name},{host.address} {host.host_key}\n" for host in self.hosts.values() if host.running)

    # --- the machine's side -------------------------------------------------------------------------------------------
    @property
    def disks(self) -> pathlib.Path:
        """Where the disks of all hosts lie, seen from the machine."""
        return pathlib.Path(f"/proc/{self.pid}/root{SCRATCH}")

    @property
    def binds(self) -> list[pathlib.Path]:
        """Folders of the machine that hosts see at the same place, read-only."""
        wanted = [PROJECT]
        for prefix in (pathlib.Path(sys.prefix), pathlib.Path(sys.base_prefix)):
            # Below / it is in the overlay already, unless it lies on another file system or where a host has its own.
            if prefix.stat().st_dev != os.stat("/").st_dev or pathlib.Path("/tmp") in prefix.parents:
                wanted.append(prefix)
        return wanted

    def enter_command(self) -> list[str]:
        """The beginning of a command that runs beside the bridge, with the machine's files."""
        return ["nsenter", "--target", str(self.pid), "--mount", "--net", "--pid", "--"]

    def ip(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[bytes]:
        """Run ``ip`` beside the bridge. Process ids in the arguments are the machine's."""
        command = ["nsenter", "--target", str(self.pid), "--net", "--", "ip", *arguments]
        done = subprocess.run(command, check=False, capture_output=True, env=ENVIRONMENT)
        if check and done.returncode != 0:
            raise CommandFailed("bridge", done)
        return done

    def log(self, name: str) -> IO[bytes]:
        """A file for what the lab's own processes say."""
        return open(pathlib.Path(self._logs.name, name), "ab")

    def log_text(self, name: str) -> str:
        """What they said."""
        return pathlib.Path(self._logs.name, name).read_text(errors="replace")


def sweep() -> None:
    """Remove disks that a killed run on an old kernel left behind. Everything else the kernel removed itself."""
    for folder in pathlib.Path("/var/tmp").glob(f"{DISKS_ON_DISK}*"):
        with contextlib.suppress(OSError), open(folder / "lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)


def stage() -> pathlib.Path:
    """The folder below which Ansible finds the checkout as a collection; made when it is not there."""
    folder = PROJECT / ".stage" / "ansible_collections" / "ucops"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "recovery").is_symlink():
        (folder / "recovery").symlink_to("../../..")
    return PROJECT / ".stage"
