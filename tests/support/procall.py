# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A UCServer in memory: its files, its registry keys, its services, as a look at the host would find them.

Names of settings are made up, as the vendor publishes none; the files and folders are the vendor's.
"""

from __future__ import annotations

import io
import sqlite3
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.ucops.recovery.plugins.module_utils._compare.registry import (
    RegistryTree,
    RegistryValue,
    is_below,
    long_key,
)
from ansible_collections.ucops.recovery.plugins.module_utils._items.windows_host import (
    Installed,
    WindowsLook,
    WindowsService,
)
from ansible_collections.ucops.recovery.plugins.module_utils._products.base import Probe
from ansible_collections.ucops.recovery.plugins.module_utils._products.procall_server import ProcallServer
from ansible_collections.ucops.recovery.plugins.module_utils._transport.windows import WindowsCommands, WindowsTransport

from .windows_files import MemoryWindowsFiles

ROOT = r"C:\Program Files\estos\UCServer"
MEDIA = ROOT + r"\MediaService"
SERVER_KEY = r"HKEY_LOCAL_MACHINE\SOFTWARE\ESTOS\UCServer4\Server"
VERSION = "8.6.2.4711"
PASSWORD = "Gehe1m-Passwort"
LICENCE = "PC8E-1234-ABCD-5678"
LOCATIONS = (
    b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?>\r\n<locations>'
    b'<location name="Starnberg" CityCode="8151"><InternalRules><Element Search="(^12$)" Replace="+498151\\1"/>'
    b"</InternalRules></location></locations>\r\n"
)
SERVER_XML = f'<server><Admin Name="admin" Password="{PASSWORD}"/><Lines><Line id="1" number="11"/></Lines></server>'
SERVICES = (
    WindowsService("eucsrv", "estos UCServer", rf'"{ROOT}\eucsrv.exe"', "LocalSystem", "automatic"),
    WindowsService("eucmedia", "estos UC Media Server", rf'"{MEDIA}\emswindows\bin\ems.exe"', "LocalSystem", "delayed"),
    WindowsService("eucweb", "estos UC Web Server", rf'"{ROOT}\WebService\web.exe"', "LocalSystem", "automatic"),
)
PROGRAM = Installed("estos ProCall Enterprise UCServer", VERSION, "estos GmbH", ROOT + "\\", "64")


class NoCommands(WindowsCommands):
    """Refuses every command."""

    host = "uc1.example"

    def close(self) -> None:
        pass


@dataclass
class UcServerHost:
    """One machine. Change its parts, then ask for :attr:`transport`."""

    files: MemoryWindowsFiles = field(default_factory=MemoryWindowsFiles)
    services: list[WindowsService] = field(default_factory=lambda: list(SERVICES))
    programs: list[Installed] = field(default_factory=lambda: [PROGRAM])
    keys: dict[str, dict[str, RegistryValue]] = field(default_factory=dict)

    @property
    def transport(self) -> WindowsTransport:
        """The way to it; commands are refused."""
        return WindowsTransport(NoCommands(), self.files)

    def setting(self, name: str, value: str, key: str = SERVER_KEY) -> None:
        """A text in the registry."""
        self.keys.setdefault(key, {})[name] = RegistryValue.of_text(value)

    def look(self, _transport: object) -> WindowsLook:
        """In place of look_at_windows."""
        return WindowsLook(
            hostname="UC1",
            machine_id="4c4c4544-0042",
            product="Windows Server 2022 Standard",
            build="20348.2340",
            architecture="AMD64",
            system_root=r"C:\Windows",
            programs=list(self.programs),
            services={service.name.lower(): service for service in self.services},
        )

    def read_keys(self, _transport: object, keys: list[str]) -> dict[str, RegistryTree]:
        """In place of read_keys."""
        found = {}
        for key in keys:
            below = {name: values for name, values in self.keys.items() if is_below(name, long_key(key))}
            if below:
                found[key] = RegistryTree(below)
        return found


def uc_server(tmp_path: Path) -> UcServerHost:
    """A ProCall Enterprise with all components, as an installation leaves it and a week of work."""
    host = UcServerHost()
    fill(host.files, tmp_path)
    host.setting("InstallDir", ROOT)
    host.setting("License", LICENCE, SERVER_KEY + r"\Licenses")
    return host


def fill(files: MemoryWindowsFiles, tmp_path: Path, root: str = ROOT, media: str = MEDIA) -> None:
    """The files of a UCServer that has worked for a week."""
    add = files.add
    for folder in ("ClientInstall", "config", "linestates", "logs", "pending", "userstates"):
        add(rf"{root}\{folder}", None)
    add(rf"{root}\ClientInstall\ProCall.msi", b"\xd0\xcf\x11\xe0 installer")
    add(rf"{root}\config\locations.xml", LOCATIONS)
    add(rf"{root}\config\ucserver.xml", SERVER_XML.encode())
    add(rf"{root}\config\users\anna@example.com_clientcontent.xml", b"<content/>")
    add(rf"{root}\config\users\bernd@example.com_clientcontent.xml", b"<content/>")
    add(rf"{root}\database\CtiServerDatabasechat.db", sqlite_file(tmp_path))
    add(rf"{root}\database\CtiServerDatabasechat.db-shm", b"shared memory")
    add(rf"{root}\linestates\11.xml", b"<state/>")
    add(rf"{root}\userstates\anna.xml", b"<state/>")
    add(rf"{root}\logs\EventLog_1.txt", b"started\r\n")
    add(rf"{root}\pending\1.xml", b"<pending/>")
    add(rf"{root}\eucsrv.exe", b"MZ")
    add(rf"{media}\emswindows\etc\network.conf", b"rtp=10.0.0.1\r\n")
    add(rf"{media}\logparams.txt", b"level=3\r\nlogdir=..\\logs-media\r\n")
    add(media.rpartition("\\")[0] + r"\logs-media\ems.log", b"media\r\n")


def sqlite_file(tmp_path: Path) -> bytes:
    """A database of chats."""
    path = tmp_path / "chat.db"
    if not path.exists():
        with sqlite3.connect(path) as connection:
            connection.execute("create table ChatEvents (text)")
            connection.execute("insert into ChatEvents values ('hello')")
        connection.close()
    return path.read_bytes()


def probed(host: UcServerHost, **options: object) -> tuple[ProcallServer, Probe]:
    """The product with these options, and what it sees of a host."""
    product = ProcallServer(options)
    return product, product.probe(host.transport)


def export_zip() -> bytes:
    """What "Datenexport" makes, as far as it is known: a ZIP archive."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config/locations.xml", LOCATIONS)
    return raw.getvalue()
