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
import ctypes
import dataclasses
import fcntl
import ipaddress
import os
import pathlib
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from typing import IO

from lab.machine import PATH, PROJECT, SCRATCH

NETWORK = ipaddress.ip_network("10.77.0.0/16")
BOOT = pathlib.Path(__file__).with_name("boot.sh")
ENVIRONMENT = {"PATH": PATH, "LC_ALL": "C.UTF-8", "HOME": "/root", "PYTHONDONTWRITEBYTECODE": "1"}
DISKS_ON_DISK = "ucops-lab-"
CLONE_NEWNET = 0x40000000


class LabError(Exception):
    """The lab itself failed; never the thing under test."""


class CommandFailed(LabError):
    """A command on a host ended with another code than 0."""

    def __init__(self, host: str, done: subprocess.CompletedProcess[bytes]) -> None:
        output = (done.stdout or b"") + (done.stderr or b"")
        super().__init__(f"{host}: {done.args} ended with {done.returncode}:\n{output.decode('utf-8', 'replace')[-4000:]}")


@dataclasses.dataclass(frozen=True)
class User:
    """An account on a host. ``sudo`` is "no", "password" (asks for the user's own) or "free"."""

    name: str
    password: str | None = None
    sudo: str = "no"
    authorized_keys: tuple[str, ...] = ()


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


class Host:
    """One test host. Made by :meth:`Fleet.add`."""

    def __init__(self, fleet: Fleet, name: str, address: str) -> None:
        self.fleet = fleet
        self.name = name
        self.address = address
        self.machine_id = secrets.token_hex(16)
        self.link = f"v-{name}"
        self.hardware_address = "02:" + ":".join(f"{byte:02x}" for byte in secrets.token_bytes(5))
        self.pid = 0
        self._process: subprocess.Popen[str] | None = None

    def __repr__(self) -> str:
        return f"<host {self.name} {self.address}>"

    # --- life ---------------------------------------------------------------------------------------------------------
    def boot(self) -> None:
        """Start the host; after :meth:`kill` with the disk it had. Returns when its sshd listens."""
        log = self.fleet.log(self.name)
        command = [
            *self.fleet.enter_command(), "unshare", "--mount", "--net", "--uts", "--ipc", "--pid", "--fork", "--kill-child",
            "bash", str(BOOT), self.name, f"{SCRATCH}/{self.name}", self.machine_id, *map(str, self.fleet.binds),
        ]  # fmt: skip
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env=ENVIRONMENT,
            start_new_session=True,
        )  # fmt: skip
        self._process = process
        self.pid = int(self._line(process))
        # The same card after a power cut: neighbours remember it.
        card = ("name", "eth0", "address", self.hardware_address, "netns", str(self.pid))
        self.fleet.ip("link", "add", self.link, "type", "veth", "peer", *card)
        self.fleet.ip("link", "set", self.link, "master", "br0", "up")
        if process.stdin is None:
            raise LabError("no pipe to the host")
        process.stdin.write(f"{self.address}/{NETWORK.prefixlen}\n")
        process.stdin.flush()
        if self._line(process) != "up":
            raise LabError(f"{self.name} did not come up")
        self.fleet.introduce()
        self.wait_for_port(22)

    def _line(self, process: subprocess.Popen[str]) -> str:
        line = process.stdout.readline().strip() if process.stdout else ""
        if not line:
            raise LabError(f"{self.name} did not boot:\n{self.fleet.log_text(self.name)}")
        return line

    def kill(self) -> None:
        """Cut the power: every process of the host dies at once, its disk stays for :meth:`boot`."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, 9)
        self._process.wait(timeout=10)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()
        self._process = None
        # The kernel takes the link away with the network namespace, a little later.
        deadline = time.monotonic() + 5
        while self.fleet.ip("link", "show", self.link, check=False).returncode == 0 and time.monotonic() < deadline:
            self.fleet.ip("link", "delete", self.link, check=False)

    @property
    def running(self) -> bool:
        """Whether the host's process 1 is alive."""
        return self._process is not None and self._process.poll() is None

    # --- link ---------------------------------------------------------------------------------------------------------
    def cut(self) -> None:
        """Pull the network cable."""
        self.fleet.ip("link", "set", self.link, "down")

    def mend(self) -> None:
        """Put the network cable back."""
        self.fleet.ip("link", "set", self.link, "up")

    def swallow(self, port: int = 22, after: int = 0) -> None:
        """Drop without a word what comes in for a TCP port, once ``after`` bytes did. :meth:`heal` ends it."""
        quota = f"quota over {after} bytes" if after else ""
        self._filter(f"tcp dport {port} {quota} drop")

    def reset(self, port: int = 22) -> None:
        """Answer what comes in for a TCP port with a reset. :meth:`heal` ends it."""
        self._filter(f"tcp dport {port} reject with tcp reset")

    def silence(self, port: int = 22, after: int = 0) -> None:
        """Drop what goes out from a TCP port, once ``after`` bytes did: the host vanishes while it answers."""
        quota = f"quota over {after} bytes" if after else ""
        self._filter(f"tcp sport {port} {quota} drop", hook="output")

    def heal(self) -> None:
        """End :meth:`swallow`, :meth:`reset` and :meth:`silence`."""
        self.run(["nft", "flush", "ruleset"])

    def _filter(self, rule: str, hook: str = "input") -> None:
        chain = f"table inet lab {{ chain {hook} {{ type filter hook {hook} priority 0; {rule}; }} }}"
        self.run(["nft", "-f", "-"], input=chain)

    @contextlib.contextmanager
    def network(self) -> Iterator[None]:
        """The calling thread's new sockets are this host's inside the block."""
        libc = ctypes.CDLL(None, use_errno=True)
        with open(f"/proc/{threading.get_native_id()}/ns/net") as before, open(f"/proc/{self.pid}/ns/net") as inside:
            if libc.setns(inside.fileno(), CLONE_NEWNET):
                raise LabError(f"cannot enter the network of {self.name}: {os.strerror(ctypes.get_errno())}")
            try:
                yield
            finally:
                libc.setns(before.fileno(), CLONE_NEWNET)

    def wait_for_port(self, port: int, timeout: float = 10.0, protocol: str = "tcp") -> None:
        """Wait until something on the host listens on a TCP port, or is bound to a UDP port."""
        state = {"tcp": "0A", "udp": "07"}[protocol]
        tables = [pathlib.Path(f"/proc/{self.pid}/net/{name}") for name in (protocol, f"{protocol}6")]
        deadline = time.monotonic() + timeout
        while True:
            sockets = [line.split() for table in tables for line in table.read_text().splitlines()[1:]]
            if any(fields[1].endswith(f":{port:04X}") and fields[3] == state for fields in sockets):
                return
            if time.monotonic() > deadline:
                raise LabError(f"{self.name}: nothing listens on {protocol} port {port} after {timeout} s")
            time.sleep(0.02)

    # --- commands -----------------------------------------------------------------------------------------------------
    def command(self, argv: Sequence[str], user: str = "root") -> list[str]:
        """The command that runs ``argv`` inside, for a process that somebody else starts on the machine."""
        inside = ["nsenter", "--target", str(self.pid), "--mount", "--net", "--uts", "--ipc", "--pid", "--root", "--wd", "--"]
        return [*inside, *(["runuser", "-u", user, "--"] if user != "root" else []), *argv]

    def run(
        self,
        argv: Sequence[str] | str,
        *,
        user: str = "root",
        input: str | bytes | None = None,
        check: bool = True,
        timeout: float = 120.0,
        env: dict[str, str] | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command on the host, not through ssh. A text is run by ``sh -c``. Raises CommandFailed."""
        words = ["sh", "-c", argv] if isinstance(argv, str) else list(argv)
        given = input.encode() if isinstance(input, str) else input
        done = subprocess.run(
            self.command(words, user), input=given if given is not None else b"", capture_output=True, check=False,
            timeout=timeout, env={**ENVIRONMENT, **(env or {})},
        )  # fmt: skip
        if check and done.returncode != 0:
            raise CommandFailed(self.name, done)
        return done

    def output(self, argv: Sequence[str] | str, user: str = "root") -> str:
        """What a command on the host writes to stdout, stripped."""
        return self.run(argv, user=user).stdout.decode("utf-8", "replace").strip()

    def start(self, argv: Sequence[str], user: str = "root", log: str = "/var/log/lab.log") -> subprocess.Popen[bytes]:
        """Start a command on the host and return at once; its output goes to a file there."""
        words = ["sh", "-c", 'exec "$@" >>"$0" 2>&1', log, *argv]
        return subprocess.Popen(
            self.command(words, user), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=ENVIRONMENT, start_new_session=True,
        )  # fmt: skip

    # --- files --------------------------------------------------------------------------------------------------------
    def write(
        self, path: str, content: str | bytes, mode: int = 0o644, owner: str = "root", group: str | None = None
    ) -> None:
        """Write a file on the host, with the folders above it."""
        data = content.encode() if isinstance(content, str) else content
        owners = f"{owner}:{group or owner}"
        script = 'mkdir -p "$(dirname "$1")" && cat >"$1" && chmod "$2" "$1" && chown "$3" "$1"'
        self.run(["sh", "-c", script, "sh", path, f"{mode:o}", owners], input=data)

    def read(self, path: str) -> bytes:
        """The content of a file on the host."""
        return self.run(["cat", path]).stdout

    def exists(self, path: str) -> bool:
        """Whether there is something at a path on the host, a dangling link included."""
        return self.run(["test", "-e", path, "-o", "-L", path], check=False).returncode == 0

    def fingerprint(self, *paths: str) -> str:
        """Everything that a restore must bring back below some paths, as text: kinds, modes, owners, times, content."""
        script = (
            'find "$@" -printf "%y %m %u:%g %T@ %s %l %p\\n" | sort -k7 && getfacl -R -p -- "$@" 2>/dev/null'
            ' && getfattr -R -P -d -m - -e hex --absolute-names -- "$@" 2>/dev/null;'
            ' find "$@" -type f -print0 | sort -z | xargs -0r sha256sum'
        )
        text = self.output(["sh", "-c", script, "sh", *paths])
        # A folder's size is the file system's own affair.
        return "\n".join(" ".join(w for i, w in enumerate(line.split(" ")) if line[:2] != "d " or i != 4) for line in text.split("\n"))

    def mount_tmpfs(self, path: str, size: str, inodes: int | None = None) -> None:
        """A small file system at a path, for "no space left": ``size`` as mount writes it, such as 4m."""
        options = f"size={size},mode=755" + (f",nr_inodes={inodes}" if inodes else "")
        self.run(["mkdir", "-p", path])
        self.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", path])

    @property
    def changes(self) -> pathlib.Path:
        """The folder, on the machine, with every file that the host wrote (tmpfs mounts excluded)."""
        return self.fleet.disks / self.name / "upper"

    # --- accounts -----------------------------------------------------------------------------------------------------
    def add_user(self, user: User) -> None:
        """Create an account with its password, keys and sudo rule."""
        if user.name != "root":
            self.run(["useradd", "--create-home", "--shell", "/bin/bash", user.name])
        home = "/root" if user.name == "root" else f"/home/{user.name}"
        if user.password is not None:
            self.run(["chpasswd", "-c", "SHA256"], input=f"{user.name}:{user.password}\n")
        if user.authorized_keys:
            self.run(["install", "-d", "-m", "700", "-o", user.name, "-g", user.name, f"{home}/.ssh"])
            keys = "".join(f"{key}\n" for key in user.authorized_keys)
            self.write(f"{home}/.ssh/authorized_keys", keys, 0o600, user.name)
        if user.sudo != "no":
            rule = f"{user.name} ALL=(ALL:ALL) {'NOPASSWD: ' if user.sudo == 'free' else ''}ALL\n"
            self.write(f"/etc/sudoers.d/{user.name}", rule, 0o440)

    @property
    def host_key(self) -> str:
        """The public key that the host's sshd shows, as ``ssh-ed25519 AAAA...``."""
        return " ".join(self.read("/etc/ssh/ssh_host_ed25519_key.pub").decode().split()[:2])

    def change_host_key(self) -> None:
        """Give the host a new key, as after a reinstallation or with somebody in the middle."""
        self.run(
            "rm /etc/ssh/ssh_host_ed25519_key* && ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key"
            " && kill -HUP $(cat /run/sshd.pid)"
        )
        self.wait_for_port(22)


class Fleet:
    """A bridge and its hosts. A context manager; :meth:`close` takes everything away.

    :param disk_size: upper limit of what all hosts together write, as mount writes it
    """

    def __init__(self, disk_size: str = "6g") -> None:
        self.hosts: dict[str, Host] = {}
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
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log("fleet"), text=True, env=ENVIRONMENT,
            start_new_session=True,
        )  # fmt: skip
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
        return subprocess.run([*self.enter_command(), "sh", "-c", probe], check=False, capture_output=True).returncode == 0

    def _disks_on_disk(self) -> None:
        """Kernels before 6.6 keep no user attributes on tmpfs: a folder then stands in, and a lock says that we live."""
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix=DISKS_ON_DISK, dir="/var/tmp"))
        self._lock = open(self._folder / "lock", "w")
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
        host = Host(self, name, str(NETWORK[256 + len(self.hosts) + 1]))
        self.hosts[name] = host
        host.boot()
        host.add_user(User("root", authorized_keys=(self.keypair.public,)))
        for user in users:
            host.add_user(user)
        return host

    def __getitem__(self, name: str) -> Host:
        return self.hosts[name]

    def introduce(self) -> None:
        """Tell every running host the names and addresses of all."""
        lines = "".join(f"{host.address} {host.name}\n" for host in self.hosts.values())
        for host in self.hosts.values():
            if host.running:
                pathlib.Path(f"/proc/{host.pid}/root/etc/hosts").write_text(f"127.0.0.1 localhost\n::1 localhost\n{lines}")

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
        for prefix in {pathlib.Path(sys.prefix), pathlib.Path(sys.base_prefix)}:
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
