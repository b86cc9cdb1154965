# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is installed on the stand-in Windows host for each product, and how it is destroyed.

No product of the vendor's is at hand: these are stand-ins of its shape, with real keys, files, services and accounts.
"""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any, Callable

from lab.windows.host import WindowsHost
from lab.windows.wine import WineProcess
from lab.windows_accounts import AccountSetting

PASSWORDS = {name: f"Geheim-{name}-Quitte-47" for name in ("config", "registry", "user", "account")}
"""Planted: in a file, in the registry, in a user's settings, as the password of a service's account."""


@dataclasses.dataclass(frozen=True)
class Site:
    """One product on the host.

    ``folders``, ``keys``, ``services``: all that belongs to it, and may hold its secrets. ``items``: their names in a
    generation. ``part``: one of them that is demanded; ``lose_part`` takes it away and changes something in the others.
    ``later``: a key in which a value added later must be gone after a restore. ``user_key``: what belongs to it in the
    part of the registry that each user has.
    """

    product: str
    options: Mapping[str, Any]
    folders: Sequence[str]
    keys: Sequence[str]
    services: Sequence[str]
    items: Sequence[str]
    install: Callable[[WindowsHost], None]
    destroy: Callable[[WindowsHost], None]
    part: str
    lose_part: Callable[[WindowsHost], None]
    later: str = ""
    user_key: str = ""


# --- windows ---------------------------------------------------------------------------------------------------------
ACME = r"C:\ProgramData\Acme PBX"
ACME_KEY = r"HKEY_LOCAL_MACHINE\SOFTWARE\Acme\PBX"
ACME_PROGRAM = r"C:\Program Files\Acme\acme.exe"


def install_acme(host: WindowsHost) -> None:
    """A PBX of some other vendor: two services, one of which needs the other and has an account of its own."""
    host.write(rf"{ACME}\acme.xml", f"<Acme><Port>5060</Port><Password>{PASSWORDS['config']}</Password></Acme>")
    host.write(rf"{ACME}\Ansagen\Begrüßung.wav", b"RIFF" + bytes(range(256)) * 40)
    host.write(rf"{ACME}\cache\x.tmp", "left out")
    host.write(r"C:\Prompts\one.wav", "one")
    host.registry.set(ACME_KEY, Port=5060, Secret=PASSWORDS["registry"], Trunks=["a", "b"], Blob=b"\x00\x01")
    host.registry.set(rf"{ACME_KEY}\Büro", Name="Köln")
    host.install_service("AcmePbx", "Acme PBX", ACME_PROGRAM, start="auto", account=r".\acme", description="Acme's")
    host.install_service("AcmeWeb", "Acme Web", ACME_PROGRAM, start="delayed-auto", depends=["AcmePbx"])
    failure = ["reset=", "86400", "actions=", "restart/60000", "reboot=", "", "command=", ""]
    host.run_in_wine(["sc", "failure", "AcmePbx", *failure])
    host.start_service("AcmePbx")
    host.start_service("AcmeWeb")


def destroy_acme(host: WindowsHost) -> None:
    """Files gone, changed and added; keys too; services set up otherwise."""
    host.path(rf"{ACME}\Ansagen\Begrüßung.wav").unlink()
    host.write(rf"{ACME}\acme.xml", "<Acme/>")
    host.write(rf"{ACME}\later\added.xml", "<a/>")
    host.registry.delete(rf"{ACME_KEY}\Büro")
    host.registry.set(ACME_KEY, Port=1, Trunks=[])
    host.run_in_wine(["sc", "config", "AcmeWeb", "start=", "demand", "depend=", "/"])
    host.run_in_wine(["sc", "failure", "AcmePbx", "reset=", "0", "actions=", ""])


# --- ProCall client --------------------------------------------------------------------------------------------------
CLIENT_KEY = r"HKEY_LOCAL_MACHINE\SOFTWARE\WOW6432Node\ESTOS\UCServer4\Client"
CLIENT = r"C:\Program Files (x86)\estos\ProCall\ECtiClient.exe"
CLIENT_OF_USER = r"Software\ESTOS\UCServer4\Client"
USERS = ("anna", "jürgen")
"""The first one is logged on."""


def install_client(host: WindowsHost) -> None:
    """A client with two users, of whom one is logged on."""
    user_key = rf"HKEY_CURRENT_USER\{CLIENT_OF_USER}"
    for name in USERS:
        own = f'"Server"="uc1"\n"Password"="{PASSWORDS["user"]}"\n'
        content = f'[{user_key}]\n{own}\n[{user_key}\\Sub]\n"n"=dword:00000001\n'
        host.add_user(name, logged_on=name == USERS[0], content=content)
        appdata = rf"C:\Users\{name}\AppData\Roaming"
        host.write(rf"{appdata}\estos\ProCall 8\profiles.xml", f"<Profiles><P n='{name}'/></Profiles>")
        host.write(rf"{appdata}\other\x.xml", "<not-ours/>")
    host.registry.set(CLIENT_KEY, ServerName="uc1.example", AdminPassword=PASSWORDS["registry"])
    host.write(CLIENT, host.path(r"C:\windows\chatter.exe").read_bytes())
    host.add_installed("ProCall 8 Enterprise", "8.6.2.4711", view="32")


def destroy_client(host: WindowsHost) -> None:
    """Both users lose their settings, the machine its own."""
    for name in USERS:
        shutil.rmtree(host.path(rf"C:\Users\{name}\AppData\Roaming\estos"))
    here, away = (host.users[name] for name in USERS)
    host.registry.set(rf"HKEY_USERS\{here.sid}\{CLIENT_OF_USER}", Server="wrong", Later="x")
    hive = rf"C:\Users\{away.name}\NTUSER.DAT"
    host.programs["reg load"](["reg", "load", r"HKU\lab", hive], b"")
    host.registry.delete(rf"HKEY_USERS\lab\{CLIENT_OF_USER}\Sub")
    host.registry.set(rf"HKEY_USERS\lab\{CLIENT_OF_USER}", Server="lost")
    host.programs["reg unload"](["reg", "unload", r"HKU\lab"], b"")
    host.registry.delete(CLIENT_KEY)


def start_client(host: WindowsHost) -> WineProcess:
    """The client runs until it is killed."""
    return host.wine.start(subprocess.list2cmdline([CLIENT, "silent"]))


# --- MetaDirectory ---------------------------------------------------------------------------------------------------
META = r"C:\UC Tools\MetaDirectory"
META_CONFIG = (
    "<MetaDirectoryServer><Admin><CurrentPassword>{password}</CurrentPassword></Admin><Replicators>"
    '<Replicator id="1"><Name>Active Directory</Name></Replicator><Replicator id="2"><Name>CRM</Name></Replicator>'
    "</Replicators></MetaDirectoryServer>"
)


def install_meta(host: WindowsHost) -> None:
    """A MetaDirectory in a folder of the operator's choice, whose service runs as an account of its own."""
    host.write(rf"{META}\config\MetaDirectoryServer.xml", META_CONFIG.format(password=PASSWORDS["config"]))
    host.write(rf"{META}\database\meta.db", bytes(range(256)) * 100)
    host.write(rf"{META}\wwwroot\index.html", "<html>Größe</html>")
    host.write(rf"{META}\logs\today.log", "not asked for")
    host.install_service("EMetaSrv", "estos MetaDirectory", rf"{META}\md.exe", version="5.0.1.3200", account=r".\meta")
    host.programs["powershell"] = AccountSetting(host, {r".\meta": PASSWORDS["account"]})
    host.add_installed("estos MetaDirectory 5", "5.0.1.3200", location=META + "\\")
    host.start_service("EMetaSrv")


def destroy_meta(host: WindowsHost) -> None:
    """The database is lost, the configuration another one, and the service as a repair installation leaves it."""
    shutil.rmtree(host.path(rf"{META}\database"))
    host.write(rf"{META}\config\MetaDirectoryServer.xml", "<MetaDirectoryServer/>")
    host.write(rf"{META}\wwwroot\added.html", "x")
    host.run_in_wine(["sc", "config", "EMetaSrv", "start=", "demand", "obj=", "LocalSystem"])


# --- ECSTA -----------------------------------------------------------------------------------------------------------
ECSTA = r"HKEY_LOCAL_MACHINE\SOFTWARE\ESTOS\ECSTACA4000p3"
ECSTA_32 = r"HKEY_LOCAL_MACHINE\SOFTWARE\WOW6432Node\ESTOS\ECSTASIP"


def install_ecsta(host: WindowsHost) -> None:
    """Two drivers, one in each view."""
    host.registry.set(ECSTA, Host="hipath.example", Port=1040, Password=PASSWORDS["registry"])
    host.registry.set(rf"{ECSTA}\Lines\101", Name="Zürich", Permissions=b"\x00\xff")
    host.registry.set(ECSTA_32, Host="sip.example")
    host.add_installed("ECSTA for Atos Unify OpenScape 4000", "5.0.4.1")


def destroy_ecsta(host: WindowsHost) -> None:
    """One driver is gone, the other as its set-up dialog leaves it."""
    host.registry.delete(ECSTA)
    host.registry.set(ECSTA_32, Host="default", Port=5060)


# --- less destroyed: a part gone, another one changed ----------------------------------------------------------------
def damage_acme(host: WindowsHost) -> None:
    """The settings are gone, the configuration says another port."""
    host.registry.delete(ACME_KEY)
    host.write(rf"{ACME}\acme.xml", f"<Acme><Port>5061</Port><Password>{PASSWORDS['config']}</Password></Acme>")


def damage_client(host: WindowsHost) -> None:
    """The machine's settings are gone, a user's changed."""
    host.registry.delete(CLIENT_KEY)
    host.write(rf"C:\Users\{USERS[0]}\AppData\Roaming\estos\ProCall 8\profiles.xml", "<Profiles/>")


def damage_meta(host: WindowsHost) -> None:
    """The database is gone, and so is a replicator."""
    shutil.rmtree(host.path(rf"{META}\database"))
    config = META_CONFIG.format(password=PASSWORDS["config"])
    one_less = config.replace('<Replicator id="2"><Name>CRM</Name></Replicator>', "")
    host.write(rf"{META}\config\MetaDirectoryServer.xml", one_less)


def damage_ecsta(host: WindowsHost) -> None:
    """A driver is gone, another one set up otherwise."""
    host.registry.delete(ECSTA)
    host.registry.set(ECSTA_32, Host="other.example")


SITES = (
    Site(
        product="windows",
        options={
            "paths": [
                {"name": "acme", "path": [ACME], "exclude": ["*.tmp"]},
                {"name": "prompts", "path": [r"C:\Prompts\*.wav"], "data_class": "user_data"},
            ],
            "registry": [{"name": "settings", "key": [ACME_KEY]}],
            "services": ["AcmeWeb", "AcmePbx"],
            "service_passwords": {r".\acme": PASSWORDS["account"]},
        },
        folders=(ACME, r"C:\Prompts"),
        keys=(ACME_KEY,),
        services=("AcmeWeb", "AcmePbx"),
        items=("acme", "prompts", "service-AcmeWeb", "service-AcmePbx", "settings"),
        install=install_acme,
        destroy=destroy_acme,
        part="settings",
        lose_part=damage_acme,
        later=ACME_KEY,
    ),
    Site(
        product="procall_client",
        options={},
        folders=tuple(rf"C:\Users\{name}\AppData\Roaming\estos" for name in USERS),
        keys=(CLIENT_KEY,),
        services=(),
        items=("user-folders", "machine-settings", "user-settings"),
        install=install_client,
        destroy=destroy_client,
        part="machine-settings",
        lose_part=damage_client,
        later=CLIENT_KEY,
        user_key=CLIENT_OF_USER,
    ),
    Site(
        product="metadirectory",
        options={"service_passwords": {"EMetaSrv": PASSWORDS["account"]}},
        folders=tuple(rf"{META}\{name}" for name in ("config", "database", "wwwroot")),
        keys=(),
        services=("EMetaSrv",),
        items=("config", "database", "wwwroot", "service-EMetaSrv"),
        install=install_meta,
        destroy=destroy_meta,
        part="database",
        lose_part=damage_meta,
    ),
    Site(
        product="ecsta",
        options={},
        folders=(),
        keys=(ECSTA, ECSTA_32),
        services=(),
        items=("ECSTACA4000p3", "ECSTASIP-32bit"),
        install=install_ecsta,
        destroy=destroy_ecsta,
        part="ECSTACA4000p3",
        lose_part=damage_ecsta,
        later=ECSTA,
    ),
)
