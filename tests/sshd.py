# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real OpenSSH server on 127.0.0.1 for tests.

As root the server lives in mount and process namespaces of its own, with its own ``/etc/passwd``, ``/etc/shadow`` and
``/etc/sudoers``: accounts with passwords and sudo rules are real there and nowhere else, and when the server is killed
everything that it started is gone too. Without root there is one account, the caller's own, that logs in by key.

    with Sshd(accounts=[Account("backup", password="secret", sudo="ALL")]) as server: server.port, server.host_key,
    server.known_hosts, server.client_key
"""

from __future__ import annotations

import getpass
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/sbin:" + os.environ.get("PATH", ""))
IS_ROOT = os.geteuid() == 0


def _can_unshare() -> bool:
    if not IS_ROOT or not shutil.which("unshare"):
        return False
    done = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "true"], capture_output=True, check=False
    )
    return done.returncode == 0


HAS_ACCOUNTS = SSHD is not None and _can_unshare()
WITHOUT_SSHD = "left out: no OpenSSH server (package openssh-server) on this machine"
WITHOUT_ACCOUNTS = "left out: accounts with passwords and sudo need root with namespaces, and openssh-server"


@dataclass(frozen=True)
class Account:
    """A login of the server. ``sudo``: what follows the name in sudoers, e.g. ``ALL=(ALL) NOPASSWD: ALL``."""

    name: str
    password: str | None = None
    sudo: str | None = None
    shell: str = "/bin/sh"


class Sshd:
    """See the module's text.

    :param accounts: needs root
    :param config: further lines of sshd_config, which come before ours, and for whom Match speaks after them
    :param sudoers: further lines of sudoers, e.g. ``Defaults requiretty``
    :param key_types: of its host keys; the first one is :attr:`host_key`
    """

    host = "127.0.0.1"

    def __init__(
        self,
        accounts: list[Account] | None = None,
        config: str = "",
        sudoers: str = "",
        key_types: tuple[str, ...] = ("ed25519",),
    ) -> None:
        self._accounts = accounts or []
        self._config = config
        self._sudoers = sudoers
        self._key_types = key_types
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def __enter__(self) -> Sshd:
        self._temporary = tempfile.TemporaryDirectory(prefix="ucops-sshd-")
        self.folder = pathlib.Path(self._temporary.name)
        self.folder.chmod(0o755)
        try:
            self._prepare()
            self.start()
        except BaseException:
            self._temporary.cleanup()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self.kill()
        self._temporary.cleanup()

    @property
    def username(self) -> str:
        """The first account, or the caller's own."""
        return self._accounts[0].name if self._accounts else getpass.getuser()

    @property
    def log(self) -> str:
        """What the server wrote."""
        return (self.folder / "log").read_text(errors="replace")

    def home(self, name: str) -> pathlib.Path:
        """The home folder of an account."""
        return self.folder / "home" / name

    def start(self) -> None:
        """Start it (again), on the same port once it had one."""
        if not self.port:
            with socket.socket() as probe:
                probe.bind((self.host, 0))
                self.port = probe.getsockname()[1]
        (self.folder / "sshd_config").write_text(self._sshd_config())
        command = [str(SSHD), "-D", "-e", "-f", str(self.folder / "sshd_config")]
        if self._accounts:
            script = 'for f in passwd shadow group sudoers; do mount --bind "$0/$f" /etc/$f; done; exec "$@"'
            command = [
                *("unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc"),
                *("sh", "-c", script, str(self.folder), *command),
            ]
        if IS_ROOT:
            os.makedirs("/run/sshd", exist_ok=True)
        environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "SHLVL": "5"}
        with open(self.folder / "log", "ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True
            )
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"sshd ended at once: {self.log}")
            try:
                with socket.create_connection((self.host, self.port), timeout=1) as line:
                    line.recv(4)
                return
            except OSError:
                time.sleep(0.01)
        raise RuntimeError(f"sshd does not answer: {self.log}")

    def kill(self) -> None:
        """Power off: the server and (with accounts) all that it started die at once."""
        if self._process is not None:
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def new_host_keys(self) -> None:
        """Set the host up anew; takes effect at the next :meth:`start`."""
        for kind in self._key_types:
            for path in self.folder.glob(f"host_{kind}*"):
                path.unlink()
        self._make_host_keys()

    def _prepare(self) -> None:
        self._make_host_keys()
        self.client_key = self.folder / "client"
        _ssh_keygen(self.client_key, "ed25519")
        self.known_hosts = self.folder / "known_hosts"
        lines = [f"[{self.host}]:PORT {self._public(kind)}" for kind in self._key_types]
        self._known = "\n".join(lines) + "\n"
        keys = self.folder / "authorized_keys"
        keys.write_text((self.folder / "client.pub").read_text())
        keys.chmod(0o644)
        if self._accounts:
            self._write_accounts()

    def _make_host_keys(self) -> None:
        for kind in self._key_types:
            _ssh_keygen(self.folder / f"host_{kind}", kind)

    def _public(self, kind: str) -> str:
        return " ".join((self.folder / f"host_{kind}.pub").read_text().split()[:2])

    @property
    def host_key(self) -> str:
        """``ssh-ed25519 AAAA...``"""
        return self._public(self._key_types[0])

    def _sshd_config(self) -> str:
        self.known_hosts.write_text(self._known.replace("PORT", str(self.port)))
        keys = "\n".join(f"HostKey {self.folder}/host_{kind}" for kind in self._key_types)
        lines, match, of_some = self._config.partition("Match ")  # of two values sshd takes the first
        return f"""ListenAddress {self.host}:{self.port}
{lines}
{keys}
PidFile none
UsePAM no
UseDNS no
StrictModes no
PrintMotd no
PasswordAuthentication yes
PermitRootLogin yes
AuthorizedKeysFile {self.folder}/authorized_keys
MaxStartups 200
MaxSessions 50
SetEnv SHLVL=5
Subsystem sftp internal-sftp
{match}{of_some}
"""

    def _write_accounts(self) -> None:
        names = {account.name for account in self._accounts}
        users, groups, secrets = (_lines_without(f"/etc/{name}", names) for name in ("passwd", "group", "shadow"))
        rules = (
            "Defaults timestamp_timeout=0, lecture=always, !mail_badpass\n"
            f"Defaults secure_path=/usr/sbin:/usr/bin:/sbin:/bin\n{self._sudoers}\nroot ALL=(ALL:ALL) NOPASSWD: ALL\n"
        )
        for number, account in enumerate(self._accounts, 61001):
            home = self.home(account.name)
            home.mkdir(parents=True)
            os.chown(home, number, number)
            users += f"{account.name}:x:{number}:{number}::{home}:{account.shell}\n"
            groups += f"{account.name}:x:{number}:\n"
            secrets += f"{account.name}:{_crypt(account.password)}:19000:0:99999:7:::\n"
            if account.sudo:
                rule = account.sudo if "=" in account.sudo else f"{account.sudo}=(ALL:ALL) ALL"
                rules += f"{account.name} {rule}\n"
        for name, text, mode in (
            ("passwd", users, 0o644),
            ("group", groups, 0o644),
            ("shadow", secrets, 0o600),
            ("sudoers", rules, 0o440),
        ):
            (self.folder / name).write_text(text)
            (self.folder / name).chmod(mode)


def _lines_without(path: str, names: set[str]) -> str:
    lines = pathlib.Path(path).read_text().splitlines(keepends=True)
    return "".join(line for line in lines if line.split(":")[0] not in names)


def _ssh_keygen(path: pathlib.Path, kind: str) -> None:
    size = ["-b", "2048"] if kind == "rsa" else []
    subprocess.run(["ssh-keygen", "-q", "-t", kind, *size, "-N", "", "-C", "test", "-f", str(path)], check=True)


def _crypt(password: str | None) -> str:
    if password is None:
        return "*"
    done = subprocess.run(
        ["openssl", "passwd", "-5", "-stdin"], input=password.encode(), capture_output=True, check=True
    )
    return done.stdout.decode().strip()
