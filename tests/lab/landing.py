# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A backup host's landing zones, and the servers that products push into: OpenSSH, and NFS by nfs-ganesha.

The zones are as the role ``backup_host`` makes them: ``incoming`` is what an account sees. For SFTP it is the chroot,
so it belongs to root, and the account writes into ``incoming/files``, where it may neither list nor read, and where
nobody removes another one's file.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml
from sshd import HAS_ACCOUNTS, WITHOUT_ACCOUNTS, Account, Sshd
from support.modules import run_module, run_unsealing
from support.repositories import SECRET, TestRepository

from lab.machine import PATH, PROJECT
from lab.windows.samba import free_port

HOME = pathlib.Path("/srv")
"""sshd wants a chroot below folders that only root may change; /tmp is none."""
ROLE = PROJECT / "roles" / "backup_host" / "vars" / "main.yml"
"""Which requests sshd lets through is said there, and tried here."""
QUICK = {"polls": 3, "poll_interval": 0, "quiet_period": 0, "wait_timeout": 0}
FIRST_UID = 61001
"""As :class:`sshd.Sshd` numbers its accounts."""


def why_not() -> str:
    """One sentence that says why there can be no landing zone for SFTP here; empty when there can."""
    if not HAS_ACCOUNTS:
        return WITHOUT_ACCOUNTS
    return "" if shutil.which("sftp") else "not installed: openssh-client"


@dataclass
class Site:
    """A repository, and the landing zones of some sources."""

    folder: pathlib.Path
    repository: TestRepository
    accounts: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    @contextlib.contextmanager
    def create(cls, accounts: Mapping[str, int]) -> Iterator[Site]:
        """``accounts``: source -> user number of its account."""
        with tempfile.TemporaryDirectory(prefix="ucops-landing-", dir=HOME) as folder:
            home = pathlib.Path(folder)
            home.chmod(0o755)
            (home / "backup").mkdir(mode=0o700)
            site = cls(home, TestRepository.create(home / "backup"), accounts)
            for source in accounts:
                site.make_zone(source)
            yield site

    def make_zone(self, source: str) -> None:
        """The folders of one source."""
        zone = self.landing / source
        (zone / "incoming" / "files").mkdir(parents=True)
        (zone / "taken").mkdir(mode=0o700)
        for place in (self.landing, zone, zone / "incoming"):
            place.chmod(0o711)
        os.chown(zone / "incoming" / "files", 0, self.accounts[source])
        (zone / "incoming" / "files").chmod(0o1730)

    @property
    def landing(self) -> pathlib.Path:
        return self.folder / "landing"

    def files(self, source: str) -> pathlib.Path:
        """Where the account writes."""
        return self.landing / source / "incoming" / "files"

    def claims(self, source: str) -> list[str]:
        """What was taken and is not let go."""
        return [name for name in os.listdir(self.landing / source / "taken") if not name.startswith(".")]

    def backup(self, source: str = "pbx", **options: Any) -> dict[str, Any]:
        """What the module says."""
        return run_module(
            "pushed_backup",
            {
                "repository": str(self.repository.path),
                "writer_key_file": str(self.repository.writer_key_file),
                "source": source,
                "landing": str(self.landing),
                **QUICK,
                **options,
            },
        )

    def extract(self, generation: str) -> pathlib.Path:
        """The files of a generation, in a new folder."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix="out-", dir=self.folder))
        arguments = {"repository": str(self.repository.path), "generation": generation, "dest": str(folder / "x")}
        result = run_unsealing("generation_extract", arguments, SECRET)
        if result.get("failed"):
            raise RuntimeError(result["msg"])
        return folder / "x" / "pushed"


class SftpServer:
    """OpenSSH with one chrooted account for each source; :meth:`sender` is a client that logs in as one."""

    def __init__(self, site: Site) -> None:
        self._site = site
        requests = yaml.safe_load(ROLE.read_text())["backup_host_sftp_requests"]
        config = "".join(
            f"Match User {source}\n"
            f"  ChrootDirectory {site.landing / source / 'incoming'}\n"
            f"  ForceCommand internal-sftp -d /files -u 0077 -p {','.join(requests)}\n"
            "  AllowTcpForwarding no\n  PermitTTY no\n  X11Forwarding no\n"
            for source in site.accounts
        )
        self._server = Sshd([Account(source) for source in site.accounts], config)

    def __enter__(self) -> SftpServer:
        self._server.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.__exit__(*error)

    @property
    def log(self) -> str:
        return self._server.log

    def sender(self, source: str, batch: str, *more: str) -> subprocess.Popen[str]:
        """Start the real sftp client with a batch of commands."""
        with tempfile.NamedTemporaryFile("w", prefix="batch-", dir=self._site.folder, delete=False) as file:
            file.write(batch + "\n")
        return subprocess.Popen(
            [
                *("sftp", "-q", "-b", file.name, "-P", str(self._server.port), "-i", str(self._server.client_key)),
                *("-o", f"UserKnownHostsFile={self._server.known_hosts}", "-o", "IdentitiesOnly=yes"),
                *("-F", "none", *more, f"{source}@{self._server.host}"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={"PATH": PATH, "HOME": str(self._site.folder)},
        )

    def run(self, source: str, batch: str) -> tuple[int, str]:
        """How a batch ended, and what the client said."""
        sender = self.sender(source, batch)
        said, _none = sender.communicate(timeout=60)
        return sender.returncode, said


GANESHA = """
NFS_CORE_PARAM {{ NFS_Protocols = 4; NFS_Port = {port}; Bind_addr = {address}; Enable_NLM = false;
  Enable_RQUOTA = false; Enable_UDP = false; }}
NFS_KRB5 {{ Active_krb5 = false; }}
NFSv4 {{ Grace_Period = 1; Lease_Lifetime = 5; Graceless = true; Minor_Versions = 0,1,2; RecoveryBackend = fs;
  Only_Numeric_Owners = true; }}
EXPORT {{ Export_Id = 1; Path = {path}; Pseudo = /landing; Access_Type = RW; Squash = All_Squash; Anonymous_Uid = {uid};
  Anonymous_Gid = {uid}; SecType = sys; Protocols = 4; Transports = TCP;
  Attr_Expiration_Time = 0; FSAL {{ Name = VFS; }} }}
LOG {{ Default_Log_Level = EVENT; }}
"""


def why_no_nfs(folder: pathlib.Path) -> str:
    """Why nfs-ganesha cannot export a folder here; empty when it can."""
    missing = [name for name in ("ganesha.nfsd", "nfs-ls", "nfs-cp") if not shutil.which(name, path=PATH)]
    if missing:
        return f"not installed: {', '.join(missing)} (packages nfs-ganesha, nfs-ganesha-vfs, libnfs-utils)"
    if not os.path.exists("/etc/mtab"):
        return "nfs-ganesha needs /etc/mtab"
    done = subprocess.run(["stat", "-f", "-c", "%T", str(folder)], capture_output=True, text=True, check=True)
    return "nfs-ganesha exports no overlay" if done.stdout.strip() == "overlayfs" else ""


class NfsServer:
    """nfs-ganesha with one export, all of whose clients are one user."""

    def __init__(self, folder: pathlib.Path, uid: int, address: str) -> None:
        self._folder = folder
        self._uid = uid
        self._address = address

    def __enter__(self) -> NfsServer:
        self._home = pathlib.Path(tempfile.mkdtemp(prefix="nfs-"))
        self._port = free_port(self._address)
        for place in ("/run/ganesha", "/var/lib/nfs/ganesha", "/run/dbus"):
            os.makedirs(place, exist_ok=True)
        text = GANESHA.format(port=self._port, address=self._address, path=self._folder, uid=self._uid)
        (self._home / "ganesha.conf").write_text(text)
        log = self._home / "log"
        self._process = subprocess.Popen(
            [
                *("setpriv", "--pdeathsig", "KILL", "ganesha.nfsd", "-F", "-f", str(self._home / "ganesha.conf")),
                *("-L", str(log), "-p", str(self._home / "pid")),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PATH": PATH},
        )
        until = time.monotonic() + 20
        while time.monotonic() < until and self._process.poll() is None:
            if log.exists() and "NFS SERVER INITIALIZED" in log.read_text(errors="replace"):
                return self
            time.sleep(0.1)
        said = log.read_text(errors="replace")[-2000:] if log.exists() else ""
        self.__exit__()
        raise RuntimeError(f"nfs-ganesha does not serve: {said}")

    def __exit__(self, *_error: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._home, ignore_errors=True)

    def client(self, program: str, *arguments: str, name: str = "") -> subprocess.CompletedProcess[str]:
        """Run a client of libnfs on the export, or on a file in it."""
        url = f"nfs://{self._address}/landing/{name}?version=4&nfsport={self._port}"
        return subprocess.run(
            [program, *arguments, url], capture_output=True, text=True, check=False, timeout=30, env={"PATH": PATH}
        )
