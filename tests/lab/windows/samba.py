# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real SMB3 file server for one folder: it serves the drive C: of a stand-in Windows host.

Everything of it lies in one private folder and on one loopback address, so any number run side by side. Real NT
security descriptors, Windows attributes and creation times are kept in extended attributes of the served files.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType

from smbprotocol.connection import Connection
from smbprotocol.open import CreateDisposition, FilePipePrinterAccessMask, ImpersonationLevel, Open
from smbprotocol.session import Session
from smbprotocol.tree import TreeConnect

from lab.machine import PATH

PROGRAMS = ("samba:smbd", "samba-common-bin:smbpasswd", "smbclient")
"""Programs that it takes, each with its Debian package in front where the names differ."""

MODULES = pathlib.Path("/usr/lib")
UNIX_USERS = ("root", "nobody", "daemon", "games")
"""Who Windows' users are for the kernel: the first is an administrator, the others must be let in by an ACL."""

SNAPSHOTS = "snapshots"
"""The folder that shadow copies lie in, beside the served one."""


def why_not() -> str:
    """One sentence that says why no file server can run here; empty when one can."""
    if os.geteuid() != 0:
        return "a Samba file server for tests needs root"
    missing = [each for each in PROGRAMS if not shutil.which(each.rpartition(":")[2], path=PATH)]
    if not missing and not any(MODULES.glob("*/samba/vfs/acl_xattr.so")):
        missing = ["samba-vfs-modules"]
    if missing:
        packages = sorted({each.partition(":")[0] for each in missing})
        return f"not installed: {', '.join(packages)} (`make test` installs them as root on Debian)"
    return ""


@dataclass
class SambaServer:
    """One smbd. ``shares``: name -> folder, mostly ``{"C$": drive}``. ``users``: name -> password, the first one is the
    administrator. Beyond that a good server needs nothing; what it does wrong is asked for:

    ``encryption``: ``required``, ``desired``, ``off`` (never offered). ``signing``: ``mandatory``, ``auto``,
    ``disabled``. ``guests``: an unknown user is let in as a guest. ``dialect``: the newest SMB that it speaks. ``port``
    None: a free one.
    """

    shares: Mapping[str, pathlib.Path]
    users: Mapping[str, str] = field(repr=False)
    address: str = "127.0.0.1"
    port: int | None = None
    encryption: str = "required"
    signing: str = "mandatory"
    guests: bool = False
    dialect: str = "SMB3_11"
    more: Sequence[str] = ()
    """Lines for smb.conf's global section."""
    folder: pathlib.Path | None = None
    """Where its own folder is made; None: where temporary folders are."""

    def __post_init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._home: pathlib.Path | None = None

    def __enter__(self) -> SambaServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def administrator(self) -> str:
        """The name of the user that may do everything."""
        return next(iter(self.users))

    @property
    def password(self) -> str:
        """The administrator's."""
        return self.users[self.administrator]

    @property
    def log(self) -> str:
        """What the server said; empty before it runs."""
        return (self._home / "log").read_text(errors="replace") if self._home is not None else ""

    def start(self) -> None:
        """Serve. Raises RuntimeError with the server's own words when it does not within 20 s."""
        # smbd's sockets must have short names, which folders of pytest have not
        self._home = pathlib.Path(tempfile.mkdtemp(prefix="smb-", dir=self.folder))
        for name in ("private", "lock", "state", "cache", "pid", "ncalrpc"):
            (self._home / name).mkdir(mode=0o755)
        (self._home / "private").chmod(0o700)
        if self.port is None:
            self.port = free_port(self.address)
        (self._home / "users.map").write_text(
            "".join(f"!{unix} = {name}\n" for unix, name in zip(UNIX_USERS, self.users)), encoding="ascii"
        )
        (self._home / "smb.conf").write_text(self._configuration(), encoding="utf-8")
        for folder in self.shares.values():
            # Samba takes a time of access for the creation time of what it did not create: reading must not move it.
            subprocess.run(["chattr", "-R", "-f", "+A", str(folder)], check=False, capture_output=True)
        for unix, password in zip(UNIX_USERS, self.users.values()):
            self._run(["smbpasswd", "-c", str(self._home / "smb.conf"), "-a", "-s", unix], f"{password}\n{password}\n")
        with (self._home / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *("setpriv", "--pdeathsig", "TERM"),  # a killed test run takes it along
                    *("smbd", "--foreground", "--debug-stdout", "--no-process-group"),
                    *("-s", str(self._home / "smb.conf")),
                ],
                env={"PATH": PATH},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait()

    def stop(self) -> None:
        """End the server and everything that it keeps; the served folders stay."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # those that a test has stopped hear nothing else
            process.wait()
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)

    def cut_connections(self, *, gently: bool = False) -> None:
        """End every process that serves a connection; the server stays. ``gently``: as if the connection broke, the
        process still closes its files. Otherwise it is killed."""
        for child in self.serving():
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGTERM if gently else signal.SIGKILL)

    def serving(self) -> list[int]:
        """The processes that have a connection; the server's helpers have none."""
        process = self._process
        if process is None:
            raise RuntimeError("the server does not run")
        found = []
        for child in pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
            with contextlib.suppress(OSError):
                inodes = {os.readlink(each) for each in pathlib.Path(f"/proc/{child}/fd").iterdir()}
                if any(f"socket:[{inode}]" in inodes for inode in self._connections()):
                    found.append(int(child))
        return found

    def make_snapshot(self, share: str = "C$", at: datetime.datetime | None = None) -> str:
        """Keep what a share holds now as a shadow copy. Returns its token."""
        moment = at or datetime.datetime.now(datetime.timezone.utc)
        token = moment.strftime("@GMT-%Y.%m.%d-%H.%M.%S")
        folder = self.shares[share]
        into = folder.parent / f"{SNAPSHOTS}-{folder.name}" / token
        into.parent.mkdir(exist_ok=True)
        self._run(["cp", "--archive", "--reflink=auto", str(folder), str(into)])
        return token

    def remove_snapshot(self, token: str, share: str = "C$") -> None:
        """Forget a shadow copy."""
        folder = self.shares[share]
        shutil.rmtree(folder.parent / f"{SNAPSHOTS}-{folder.name}" / token)

    @contextlib.contextmanager
    def locked(self, share: str, path: str) -> Iterator[None]:
        r"""Hold a file (``folder\name``) open so that nobody else may open it, as a program on Windows would."""
        connection = Connection(uuid.uuid4(), self.address, self.port)
        connection.connect()
        try:
            session = Session(
                connection, self.administrator, self.password, require_encryption=self.encryption != "off"
            )
            session.connect()
            tree = TreeConnect(session, rf"\\{self.address}\{share}")
            tree.connect()
            held = Open(tree, path)
            held.create(
                ImpersonationLevel.Impersonation,
                FilePipePrinterAccessMask.GENERIC_READ | FilePipePrinterAccessMask.GENERIC_WRITE,
                0,
                0,
                CreateDisposition.FILE_OPEN,
                0,
            )
            yield
            held.close()
        finally:
            connection.disconnect()

    def client(self, commands: str, share: str = "C$", user: str = "") -> list[str]:
        """The command line of Samba's own client, for a comparison or to look at a share from outside."""
        name = user or self.administrator
        login = self._folder / "private" / f"{name}.login"
        login.touch(mode=0o600)
        login.write_text(f"username = {name}\npassword = {self.users[name]}\n", encoding="utf-8")
        return [
            *("smbclient", f"//{self.address}/{share}", "-p", str(self.port), "-m", "SMB3"),
            *("--client-protection=encrypt", "-A", str(login), "-s", "/dev/null", "-c", commands),
        ]

    @property
    def _folder(self) -> pathlib.Path:
        if self._home is None:
            raise RuntimeError("the server was never started")
        return self._home

    def _configuration(self) -> str:
        home = self._folder
        directories = {
            "private dir": home / "private",
            "lock directory": home / "lock",
            "state directory": home / "state",
            "cache directory": home / "cache",
            "pid directory": home / "pid",
            "ncalrpc dir": home / "ncalrpc",
            "username map": home / "users.map",
            "passdb backend": f"tdbsam:{home / 'private' / 'passdb.tdb'}",
        }
        lines = [
            "[global]",
            *(f"{name} = {value}" for name, value in directories.items()),
            "workgroup = LAB",
            "netbios name = LABHOST",
            "server role = standalone server",
            f"interfaces = {self.address}/8",
            "bind interfaces only = yes",
            f"smb ports = {self.port}",
            "disable netbios = yes",
            "load printers = no",
            "disable spoolss = yes",
            "log level = 1",
            f"server min protocol = {'SMB2_10' if self.encryption == 'off' else 'SMB3_00'}",
            f"server max protocol = {self.dialect}",
            f"server signing = {self.signing}",
            f"server smb encrypt = {self.encryption}",
            f"map to guest = {'Bad User' if self.guests else 'Never'}",
            "guest account = nobody",
            "restrict anonymous = 0" if self.guests else "restrict anonymous = 2",
            # as NTFS has it
            "store dos attributes = yes",
            "map archive = no",
            "map hidden = no",
            "map readonly = no",
            "map system = no",
            "inherit acls = no",
            "mangled names = no",
            "case sensitive = no",
            "strict locking = auto",
            "create mask = 0777",
            "force create mode = 0666",
            "directory mask = 0777",
            "force directory mode = 0777",
            "unix extensions = no",
            "dos filetime resolution = no",
            *self.more,
        ]
        for name, folder in self.shares.items():
            snapshots = folder.parent / f"{SNAPSHOTS}-{folder.name}"
            lines += [
                f"[{name}]",
                f"path = {folder}",
                "read only = no",
                f"guest ok = {'yes' if self.guests else 'no'}",
                "vfs objects = shadow_copy2 acl_xattr streams_xattr",
                "acl_xattr:ignore system acls = yes",
                f"shadow:mountpoint = {folder}",
                f"shadow:snapdir = {snapshots}",
                "shadow:localtime = no",
                "shadow:sort = desc",
                "shadow:format = @GMT-%Y.%m.%d-%H.%M.%S",
            ]
        return "\n".join(lines) + "\n"

    def _wait(self) -> None:
        until = time.monotonic() + 20
        process = self._process
        while time.monotonic() < until and process is not None and process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection((self.address, int(self.port or 0)), 1):
                return
            time.sleep(0.05)
        said = self.log[-2000:]
        self.stop()
        raise RuntimeError(f"smbd does not serve {self.address}:{self.port}:\n{said}")

    def _connections(self) -> set[str]:
        port = f":{int(self.port or 0):04X}"
        rows = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return {row[9] for row in rows if row[1].endswith(port) and row[3] == "01"}

    @staticmethod
    def _run(argv: Sequence[str], text: str = "") -> None:
        done = subprocess.run(argv, input=text, check=False, capture_output=True, text=True, env={"PATH": PATH})
        if done.returncode != 0:
            raise RuntimeError(f"{argv[0]} ended with {done.returncode}: {done.stdout}{done.stderr}")


@contextlib.contextmanager
def small_disk(folder: pathlib.Path, size: int) -> Iterator[pathlib.Path]:
    """A folder that is a disk of so many bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0777", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def free_port(address: str) -> int:
    """A port that nobody has at this moment."""
    with socket.socket() as trial:
        trial.bind((address, 0))
        return int(trial.getsockname()[1])
