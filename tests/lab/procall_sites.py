# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""UCServers on the stand-in Windows host: three layouts, and what takes them away.

No ProCall is at hand: services are small programs, one of which writes whenever it starts, and the files are made up in
the folders that the vendor names.
"""

from __future__ import annotations

import functools
import io
import pathlib
import shutil
import sqlite3
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.windows.host import WindowsHost
from lab.windows.shadow_copy_standin import ShadowCopyStandIn
from lab.windows.shells import Answer
from lab.windows_accounts import AccountSetting
from lab.windows_sites import Site

VERSION = "8.6.2.4711"
SERVER_KEY = r"HKEY_LOCAL_MACHINE\SOFTWARE\ESTOS\UCServer4\Server"
ADMIN_OF_USER = r"Software\ESTOS\UCServer4\Admin"
USERS = ("anna", "bernd")
"""Administrators of UCServer. The first one is logged on."""
PASSWORDS = {name: f"Geheim-{name}-Quitte-48" for name in ("config", "registry", "user", "account")}
"""Planted: in a file, in the registry, in a user's settings, as the password of a service's account."""
LICENCE = "PC8E-1234-ABCD-5678"
FOLDERS = ("ClientInstall", "config", "database", "linestates", "logs", "pending", "userstates")
ITEMS = (
    "client-install", "config", "linestates", "pending", "userstates", "logs", "database", "media-config",
    "media-logparams", "media-logs", "registry", "administrators", "licences",
)  # fmt: skip


@dataclass(frozen=True)
class Service:
    """``component``, name, what the list of services shows, program, arguments."""

    component: str
    name: str
    display_name: str
    program: str
    arguments: str = ""


@dataclass(frozen=True)
class Layout:
    """Where a UCServer is and what its services are called. ``location``: what the uninstall key says of its folder."""

    root: str
    media_root: str
    services: Sequence[Service]
    location: str
    view: str = "64"

    @property
    def service(self) -> Service:
        """The service of UCServer itself."""
        return next(service for service in self.services if service.component == "ucserver")

    @property
    def logs_of_media(self) -> str:
        """Where UC Media Server writes its logs: beside the others."""
        return rf"{self.media_root}\trace"


_DEFAULT = r"C:\Program Files\estos\UCServer"
LAYOUTS: Mapping[str, Layout] = {
    "the vendor's": Layout(
        _DEFAULT,
        rf"{_DEFAULT}\MediaService",
        (
            Service("web_server", "eucweb", "estos UC Web Server", rf"{_DEFAULT}\WebService\web.exe"),
            Service("media_server", "eucmedia", "estos UC Media Server",
                    rf"{_DEFAULT}\MediaService\emswindows\bin\ems.exe"),
            Service("ucserver", "eucsrv", "estos UCServer", rf"{_DEFAULT}\eucsrv.exe"),
        ),
        _DEFAULT + "\\",
    ),
    "another folder, a program below it, own names": Layout(
        r"C:\UC\Server",
        r"C:\UC\Media",
        (
            Service("web_server", "UC-1-Web", "estos UC WebServer", r"C:\UC\Web\run.exe"),
            Service("media_server", "UC-1-Media", "estos UC MediaServer", r"C:\UC\Media\run.exe"),
            Service("ucserver", "UC-1", "estos UCServer", r"C:\UC\Server\bin\srv64.exe",
                    r"--write C:\UC\Server\linestates\started.xml"),
        ),
        "",
    ),
    "names that say nothing, the 32 bit view": Layout(
        r"C:\Program Files (x86)\estos\UCServer",
        r"C:\Program Files (x86)\estos\UCMedia",
        (
            Service("web_server", "https", "Portal", r"C:\Program Files (x86)\estos\UC WebServer\node.exe"),
            Service("media_server", "rtp", "RTP Relay", r"C:\Program Files (x86)\estos\UCMedia\emswindows\bin\rtp.exe"),
            Service("ucserver", "ctisrv", "Unified Communications", r"C:\Program Files (x86)\estos\UCServer\cti.exe"),
        ),
        r"C:\Program Files (x86)\estos\UCServer",
        "32",
    ),
}  # fmt: skip


def add_administrators(host: WindowsHost) -> None:
    """Two people who use UCServer Verwaltung."""
    key = rf"HKEY_CURRENT_USER\{ADMIN_OF_USER}"
    for name in USERS:
        content = f'[{key}]\n"LastServer"="uc1"\n"Password"="{PASSWORDS["user"]}"\n'
        host.add_user(name, logged_on=name == USERS[0], content=content)


class PowerShell:
    """Stand-in for Windows PowerShell: it gives a service its account, and makes and removes shadow copies."""

    def __init__(self, host: WindowsHost) -> None:
        self._accounts = AccountSetting(host, {r".\uc": PASSWORDS["account"]})
        self.copies = ShadowCopyStandIn(host.samba)

    def __call__(self, words: Sequence[str], given: bytes) -> Answer:
        if "-EncodedCommand" in words:
            return self._accounts(words, given)
        code, text = self.copies.run(words)
        return Answer(code, text.encode())


def install(host: WindowsHost, layout: Layout) -> None:
    """A UCServer that has worked for a week."""
    root, media = layout.root, layout.media_root
    for folder in FOLDERS:
        host.path(rf"{root}\{folder}").mkdir(parents=True, exist_ok=True)
    host.write(rf"{root}\ClientInstall\ProCall.msi", b"\xd0\xcf\x11\xe0" + bytes(range(256)) * 20)
    host.write(
        rf"{root}\config\ucserver.xml",
        f'<server><Admin Name="admin" Password="{PASSWORDS["config"]}"/><Lines><Line id="1" number="11"/></Lines>'
        "</server>",
    )
    host.write(rf"{root}\config\locations.xml", b"\xef\xbb\xbf<locations><location name='M\xc3\xbcnchen'/></locations>")
    for user in ("anna@example.com", "jürgen@example.com"):
        host.write(rf"{root}\config\users\{user}_clientcontent.xml", "<content/>")
    host.write(rf"{root}\database\CtiServerDatabasechat.db", chats())
    host.write(rf"{root}\linestates\11.xml", "<state/>")
    host.write(rf"{root}\pending\1.xml", "<pending/>")
    host.write(rf"{root}\userstates\anna.xml", "<state/>")
    host.write(rf"{root}\logs\EventLog_1.txt", "started\r\n")
    host.write(rf"{media}\emswindows\etc\network.conf", "rtp=10.0.0.1\r\n")
    host.write(rf"{media}\logparams.txt", "level=3\r\nlogdir=trace\r\n")
    host.write(rf"{layout.logs_of_media}\ems.log", "media\r\n")
    host.registry.set(SERVER_KEY, InstallDir=root, Password=PASSWORDS["registry"], Ports=[str(7222), str(7224)])
    host.registry.set(rf"{SERVER_KEY}\Licenses", License=LICENCE)
    host.add_installed("estos ProCall Enterprise UCServer", VERSION, location=layout.location, view=layout.view)
    create_services(host, layout)
    ucserver = layout.service.name
    host.run_in_wine(["sc", "config", ucserver, "start=", "delayed-auto", "obj=", r".\uc"])
    failure = ["reset=", "86400", "actions=", "restart/60000", "reboot=", "", "command=", ""]
    host.run_in_wine(["sc", "failure", ucserver, *failure])
    for service in reversed(layout.services):
        host.start_service(service.name)


def create_services(host: WindowsHost, layout: Layout) -> None:
    """The services as an installation makes them, with their defaults."""
    for service in layout.services:
        host.install_service(
            service.name, service.display_name, service.program, arguments=service.arguments, version=VERSION
        )


def remove(host: WindowsHost, layout: Layout) -> None:
    """Nothing of it is left."""
    for service in layout.services:
        if host.service_state(service.name) == 4:
            host.stop_service(service.name)
        host.run_in_wine(["sc", "delete", service.name])
    for top in (layout.root, layout.media_root, *(str(pathlib.PureWindowsPath(one.program).parent)
                                                  for one in layout.services)):  # fmt: skip
        shutil.rmtree(host.path(top), ignore_errors=True)
    host.registry.delete(SERVER_KEY)


def destroy(host: WindowsHost, layout: Layout) -> None:
    """Data are lost and installed anew in the identical version: services and set-up dialog have written defaults."""
    for service in layout.services:
        host.stop_service(service.name)
        host.run_in_wine(["sc", "delete", service.name])
    for folder in ("config", "database", "userstates"):
        shutil.rmtree(host.path(rf"{layout.root}\{folder}"))
    shutil.rmtree(host.path(rf"{layout.media_root}\emswindows\etc"))
    host.write(rf"{layout.root}\config\ucserver.xml", "<server/>")
    host.write(rf"{layout.root}\config\setup.xml", "<new/>")
    host.write(rf"{layout.root}\pending\2.xml", "<later/>")
    host.write(rf"{layout.media_root}\logparams.txt", "level=1\r\n")
    host.registry.delete(SERVER_KEY)
    host.registry.set(SERVER_KEY, InstallDir=layout.root, AddedLater="must be gone")
    here = host.users[USERS[0]]
    host.registry.delete(rf"HKEY_USERS\{here.sid}\{ADMIN_OF_USER}")
    create_services(host, layout)
    for service in layout.services:
        host.start_service(service.name)


def site(layout: Layout) -> Site:
    """The UCServer as the lab knows products."""
    return Site(
        product="procall_server",
        options={},
        folders=(*(rf"{layout.root}\{name}" for name in FOLDERS), rf"{layout.media_root}\emswindows\etc",
                 rf"{layout.media_root}\logparams.txt", layout.logs_of_media),
        keys=(SERVER_KEY,),
        services=tuple(service.name for service in layout.services),
        items=(*ITEMS, *(f"service-{service.name}" for service in layout.services)),
        install=lambda host: install(host, layout),
        destroy=lambda host: destroy(host, layout),
        part="database",
        lose_part=lambda host: shutil.rmtree(host.path(rf"{layout.root}\database")),
        later=SERVER_KEY,
        user_key=ADMIN_OF_USER,
    )  # fmt: skip


def options(**others: Any) -> dict[str, Any]:
    """What a play gives the modules."""
    return {"service_passwords": {r".\uc": PASSWORDS["account"]}, **others}


@functools.lru_cache(maxsize=1)
def export_archive() -> bytes:
    """What "Datenexport" makes, as far as it is known: a ZIP archive."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config/ucserver.xml", "<server/>" * 100)
    return raw.getvalue()


@functools.lru_cache(maxsize=1)
def chats() -> bytes:
    """A database of chats, as SQLite writes it."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "chat.db"
        with sqlite3.connect(path) as connection:
            connection.execute("create table ChatEvents (text)")
            connection.executemany("insert into ChatEvents values (?)", [(f"line {one}",) for one in range(500)])
        connection.close()
        return path.read_bytes()
