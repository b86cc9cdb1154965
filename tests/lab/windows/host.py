# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One stand-in Windows host: Wine's registry, services and processes behind WinRM, and the same drive C: behind SMB.

What is real: ``reg``, ``net``, ``cmd``, the service control manager, service programs, NTLM, TLS, message encryption,
SMB3. What is a stand-in, and named so where it stands: the WinRM service itself, ``sc`` and ``tasklist`` (over the
Win32 API), ``reg load`` and ``reg unload``. What nobody provides refuses: see :data:`NOT_THERE`.
"""

from __future__ import annotations

import contextlib
import fcntl
import pathlib
import secrets
import shutil
import struct
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import IO, Any

from support.certificates import Authority

from lab.windows import samba, wine
from lab.windows.endpoint import Endpoint, Manners
from lab.windows.hives import write_hive
from lab.windows.login import Accounts
from lab.windows.registry import HiveLoading, Registry
from lab.windows.samba import SambaServer
from lab.windows.shells import Answer, Program, Shells
from lab.windows.wine import Wine, WineFailed
from lab.windows.words import split_words

FOLDERS = pathlib.Path("/var/tmp")
PREFIX = "ucops-lab-windows-"

NOT_THERE = (
    "certutil",
    "diskshadow",
    "icacls",
    "powershell",
    "pwsh",
    "robocopy",
    "schtasks",
    "vssadmin",
    "wevtutil",
    "wmic",
)
"""Programs that Wine has not, or only as a shell that says nothing and succeeds. They fail here, until a test puts its
own stand-in into ``WindowsHost.programs``."""

STOPPED, RUNNING = 1, 4
NO_SUCH_SERVICE = 1060
"""What sc ends with."""

_FIXED_VERSION = b"\xbd\x04\xef\xfe"


def why_not() -> str:
    """One sentence that says why there can be no Windows host here; empty when there can."""
    missing = [] if shutil.which("hivexregedit") else ["libwin-hivex-perl"]
    reason = f"not installed: {missing[0]} (`make test` installs it as root on Debian)" if missing else ""
    return wine.why_not() or samba.why_not() or reason


@dataclass(frozen=True)
class LocalUser:
    """An account with a profile. ``hive``: its NTUSER.DAT as the machine sees it."""

    name: str
    sid: str
    folder: pathlib.Path
    hive: pathlib.Path
    logged_on: bool


class WindowsHost:
    """A context manager. ``accounts``: name -> password, the first one is the administrator."""

    def __init__(
        self,
        name: str = "UC01",
        address: str = "127.0.0.1",
        accounts: Mapping[str, str] | None = None,
        smb: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.address = address
        self.accounts = dict(accounts or {"Administrator": f"Planted-{secrets.token_hex(8)}"})
        self.dns_name = f"{name.lower()}.lab.example"
        self.programs: dict[str, Program] = dict.fromkeys(NOT_THERE, _not_there)
        """Stand-ins by program name, or by program name and first word, in lower case: ``reg load``."""
        self.users: dict[str, LocalUser] = {}
        self._smb = dict(smb or {})
        self._closing = contextlib.ExitStack()

    def __enter__(self) -> WindowsHost:
        try:
            self._start()
        except BaseException:
            self._closing.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    def _start(self) -> None:
        self.home = self._closing.enter_context(private_folder())
        self.wine = self._closing.enter_context(Wine(self.home, self.name))
        self.drive_c = self.wine.drive_c
        self.registry = Registry(self.wine)
        self.hives = HiveLoading(self.registry, self.path)
        self.programs.update({"reg load": self.hives.load, "reg unload": self.hives.unload})
        self._make_believable()
        self.authority = Authority(self.home)
        self.shells = Shells(self.wine, self.programs)
        self._logins = Accounts(self.accounts, (self.name, "LAB"), self.home)
        certificate = self.authority.issue(self.dns_name, self.name, "localhost", self.address)
        self.https = self._closing.enter_context(self.listener(certificate))
        self.http = self._closing.enter_context(self.listener())
        shares = {"C$": self.drive_c}
        self.samba = self._closing.enter_context(
            SambaServer(shares, self.accounts, self.address, folder=self.home, **self._smb)
        )

    def listener(
        self,
        certificate: pathlib.Path | None = None,
        manners: Manners | None = None,
        keytab: pathlib.Path | None = None,
    ) -> Endpoint:
        """Another way to this host's WinRM, which listens when it is entered; with TLS when it has a certificate, with
        Kerberos when it has a keytab."""
        return Endpoint(
            self.shells,
            replace(self._logins, keytab=keytab),
            self.address,
            certificate=certificate,
            client_ca=self.authority.file,
            manners=manners or Manners(),
        )

    # --- what a client needs to know ----------------------------------------------------------------------------------
    @property
    def username(self) -> str:
        """The administrator."""
        return next(iter(self.accounts))

    @property
    def password(self) -> str:
        """The administrator's, planted: it must turn up nowhere."""
        return self.accounts[self.username]

    @property
    def ca_file(self) -> pathlib.Path:
        """Who signed the host's certificate."""
        return self.authority.file

    @property
    def https_port(self) -> int:
        """Where WinRM listens with TLS."""
        return self.https.port

    @property
    def http_port(self) -> int:
        """Where it listens without, for encrypted messages."""
        return self.http.port

    @property
    def smb_port(self) -> int:
        """Where the file server listens."""
        return int(self.samba.port or 0)

    @property
    def commands(self) -> list[str]:
        """Every command line that WinRM received, in order."""
        return self.shells.commands

    @property
    def calls(self) -> list[list[str]]:
        """The same, each as the words that the program saw."""
        return [split_words(line) for line in self.shells.commands]

    # --- the inside ---------------------------------------------------------------------------------------------------
    def run_in_wine(self, argv: Sequence[str], input: bytes = b"", timeout: float = 60) -> str:
        """Run a command on the host, beside every client. Its output; raises WineFailed when it fails."""
        done = self.wine.run(argv, input, timeout)
        if done.returncode != 0:
            said = (done.stdout + done.stderr).decode("cp437")
            raise WineFailed(f"{' '.join(argv)} ended with {done.returncode}: {said}")
        return done.stdout.decode("utf-8", "replace")

    def path(self, windows: str) -> pathlib.Path:
        r"""A path such as ``C:\Users\anna`` on the machine, whatever its case; it need not exist."""
        drive, _colon, rest = windows.replace("/", "\\").partition(":")
        if drive.upper() != "C":
            raise ValueError(f"{windows} is not on drive C:")
        found = self.drive_c
        for part in filter(None, rest.split("\\")):
            there = found.iterdir() if found.is_dir() else iter(())
            found = next((one for one in there if one.name.lower() == part.lower()), found / part)
        return found

    def write(self, windows: str, content: bytes | str) -> pathlib.Path:
        """A file on drive C:, with the folders above it."""
        path = self.path(windows)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def install_service(
        self,
        name: str,
        display_name: str,
        image_path: str,
        *,
        arguments: str = "",
        version: str = "1.0.0.0",
        start: str = "auto",
        account: str = "LocalSystem",
        depends: Sequence[str] = (),
        description: str = "",
    ) -> None:
        """A service whose program, a real one, stands at a path and carries a file version. See programs/service.c for
        its arguments. ``start`` as sc writes it: auto, delayed-auto, demand, disabled."""
        self.install_program(image_path, version)
        command = f'"{image_path}" {arguments}'.rstrip()
        words = ["binPath=", command, "DisplayName=", display_name, "start=", start, "obj=", account]
        self.run_in_wine(["sc", "create", name, *words, *(["depend=", "/".join(depends)] if depends else [])])
        if description:
            self.run_in_wine(["sc", "description", name, description])

    def install_program(self, path: str, version: str = "1.0.0.0") -> pathlib.Path:
        """A program that can be started and waits for ever (``chatter.exe silent`` by another name is the other one),
        with a file version such as 8.6.2.4711."""
        program = bytearray((self.drive_c / "windows" / "service.exe").read_bytes())
        at = program.index(_FIXED_VERSION) + 8
        major, minor, build, fix = (int(part) for part in version.split("."))
        program[at : at + 16] = struct.pack("<HHHH", minor, major, fix, build) * 2
        return self.write(path, bytes(program))

    def start_service(self, name: str) -> None:
        """Start a service and wait until it runs."""
        self.run_in_wine(["sc", "start", name])
        self._wait_for_service(name, RUNNING)

    def stop_service(self, name: str) -> None:
        """Stop a service and wait until it has."""
        self.run_in_wine(["sc", "stop", name])
        self._wait_for_service(name, STOPPED)

    def _wait_for_service(self, name: str, state: int) -> None:
        end = time.monotonic() + 60
        while self.service_state(name) != state:
            if time.monotonic() > end:
                raise WineFailed(f"the service {name} is in state {self.service_state(name)} and not in {state}")
            time.sleep(0.05)

    def service_state(self, name: str) -> int:
        """1 stopped, 2 starting, 3 stopping, 4 running; 0 when there is no such service. Raises WineFailed when the
        manager of services does not answer."""
        done = self.wine.run(["sc", "query", name])
        if done.returncode == NO_SUCH_SERVICE:
            return 0
        said = done.stdout.decode()
        if done.returncode != 0:
            raise WineFailed(f"sc query {name} ended with {done.returncode}: {said}")
        return int(next(line.split()[2] for line in said.splitlines() if "STATE" in line))

    def add_user(self, name: str, *, logged_on: bool = False, content: str = "") -> LocalUser:
        r"""An account with a profile folder and NTUSER.DAT. ``content``: ``.reg`` text of its part of the registry,
        with keys below ``HKEY_CURRENT_USER``. Who is logged on has it as ``HKEY_USERS\<SID>``: ``reg load`` fails."""
        sid = f"S-1-5-21-3623811015-3361044348-30300820-{1001 + len(self.users)}"
        folder = self.drive_c / "Users" / name
        for each in (r"AppData\Roaming", r"AppData\Local", "Documents"):
            folder.joinpath(*each.split("\\")).mkdir(parents=True)
        key = rf"HKEY_USERS\{sid}"
        text = f"[{key}\\Software]\n\n{content}".replace("HKEY_CURRENT_USER", key)
        hive = folder / "NTUSER.DAT"
        write_hive(hive, text, key)
        self._add_profile(sid, rf"C:\Users\{name}")
        if logged_on:
            self.registry.merge(text)
            self.hives.in_use.add(hive)
        user = LocalUser(name, sid, folder, hive, logged_on)
        self.users[name] = user
        return user

    def add_installed(
        self, name: str, version: str, publisher: str = "estos GmbH", location: str = "", view: str = "64"
    ) -> None:
        """What a set-up program writes into the uninstall keys. ``view`` 32: below WOW6432Node."""
        node = r"\WOW6432Node" if view == "32" else ""
        guid = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}{view}")).upper()
        key = rf"HKEY_LOCAL_MACHINE\SOFTWARE{node}\Microsoft\Windows\CurrentVersion\Uninstall\{{{guid}}}"
        self.registry.set(key, DisplayName=name, DisplayVersion=version, Publisher=publisher, InstallLocation=location)

    def _add_profile(self, sid: str, folder: str) -> None:
        data = f"{folder}\0".encode("utf-16-le").hex(",")
        self.registry.merge(
            rf"[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\{sid}]"
            f'\n"ProfileImagePath"=hex(2):{data}\n"Flags"=dword:00000000\n"State"=dword:00000000\n'
        )

    def _make_believable(self) -> None:
        """What a client looks at to know the host: name, release, identity, the administrator's profile."""
        version = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
        self.registry.set(
            version,
            ProductName="Windows Server 2022 Standard",
            CurrentBuild="20348",
            CurrentBuildNumber="20348",
            UBR=2340,
            DisplayVersion="21H2",
            InstallationType="Server",
            SystemRoot=r"C:\Windows",
        )
        self.registry.set(r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Cryptography", MachineGuid=str(uuid.uuid4()))
        self._add_profile("S-1-5-21-0-0-0-1000", r"C:\Users\Administrator")


def _not_there(words: Sequence[str], _input: bytes) -> Answer:
    return Answer(9009, b"", f"'{words[0]}' is not recognized: this stand-in host has none.\r\n".encode())


@contextlib.contextmanager
def private_folder() -> Iterator[pathlib.Path]:
    """A folder for one host, on a disk that keeps extended attributes. Those that a killed run left are removed."""
    for old in FOLDERS.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError), (old / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(old, ignore_errors=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix=PREFIX, dir=FOLDERS))
    folder.chmod(0o755)
    held: IO[str] = (folder / "locking").open("w")
    fcntl.flock(held, fcntl.LOCK_EX)
    (folder / "locking").rename(folder / "lock")  # held before anybody can find it
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        held.close()
