# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One test host: its life, its link, and how to run commands and put files on it."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import os
import pathlib
import secrets
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from lab.machine import PATH, SCRATCH

if TYPE_CHECKING:
    from lab.hosts import Fleet

BOOT = pathlib.Path(__file__).with_name("boot.sh")
PREFIX = 16
"""All hosts share one network of this prefix length."""

ENVIRONMENT = {"PATH": PATH, "LC_ALL": "C.UTF-8", "HOME": "/root", "PYTHONDONTWRITEBYTECODE": "1"}
CLONE_NEWNET = 0x40000000


class LabError(Exception):
    """The lab itself failed; never the thing under test."""


class CommandFailed(LabError):
    """A command on a host ended with another code than 0."""

    def __init__(self, host: str, done: subprocess.CompletedProcess[bytes]) -> None:
        output = ((done.stdout or b"") + (done.stderr or b"")).decode("utf-8", "replace")
        super().__init__(f"{host}: {done.args} ended with {done.returncode}:\n{output[-4000:]}")


@dataclasses.dataclass(frozen=True)
class User:
    """An account on a host. ``sudo`` is "no", "password" (asks for the user's own) or "free"."""

    name: str
    password: str | None = None
    sudo: str = "no"
    authorized_keys: tuple[str, ...] = ()


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
        spaces = ("--mount", "--net", "--uts", "--ipc", "--pid", "--fork", "--kill-child")
        boot = ("bash", str(BOOT), self.name, f"{SCRATCH}/{self.name}", self.machine_id, *map(str, self.fleet.binds))
        command = [*self.fleet.enter_command(), "unshare", *spaces, *boot]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=ENVIRONMENT,
            start_new_session=True,
        )
        self._process, self.pid = process, 0
        self.pid = int(self._line(process))
        # The same card after a power cut: neighbours remember it.
        card = ("name", "eth0", "address", self.hardware_address, "netns", str(self.pid))
        self.fleet.ip("link", "add", self.link, "type", "veth", "peer", *card)
        self.fleet.ip("link", "set", self.link, "master", "br0", "up")
        if process.stdin is None:
            raise LabError("no pipe to the host")
        process.stdin.write(f"{self.address}/{PREFIX}\n")
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
        # A host that never said its process id has 0 there, and that would be the group of the test run.
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid or self._process.pid, signal.SIGKILL)
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

    def slow_down(self, rate: str) -> None:
        """Send no faster than this rate, as tc writes it, such as 1mbit. :meth:`speed_up` ends it."""
        self.run(["tc", "qdisc", "add", "dev", "eth0", "root", "tbf", "rate", rate, "burst", "16k", "latency", "1s"])

    def speed_up(self) -> None:
        """End :meth:`slow_down`."""
        self.run(["tc", "qdisc", "delete", "dev", "eth0", "root"])

    def _filter(self, rule: str, hook: str = "input") -> None:
        lines = ("table inet lab {", f"chain {hook} {{", f"type filter hook {hook} priority 0;", rule, "}", "}", "")
        self.run(["nft", "-f", "-"], input="\n".join(lines))

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
        spaces = ("--mount", "--net", "--uts", "--ipc", "--pid", "--root", "--wd")
        become = ["runuser", "-u", user, "--"] if user != "root" else []
        return ["nsenter", "--target", str(self.pid), *spaces, "--", *become, *argv]

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
            self.command(words, user),
            input=given if given is not None else b"",
            capture_output=True,
            check=False,
            timeout=timeout,
            env={**ENVIRONMENT, **(env or {})},
        )
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
            self.command(words, user),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=ENVIRONMENT,
            start_new_session=True,
        )

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
            'find "$@" -type d -printf "%y %m %u:%g %T@ %p\\n" -o -printf "%y %m %u:%g %T@ %s %l %p\\n" | sort;'
            ' find "$@" -print0 | sort -z | xargs -0r getfacl -p 2>/dev/null;'
            ' find "$@" -print0 | sort -z | xargs -0r getfattr -h -d -m - -e hex --absolute-names 2>/dev/null;'
            ' find "$@" -type f -print0 | sort -z | xargs -0r sha256sum'
        )
        return self.output(["sh", "-c", script, "sh", *paths])

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
            # "*" is no password; without any, sshd takes the account for locked.
            self.run(["useradd", "--create-home", "--shell", "/bin/bash", "--password", "*", user.name])
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
