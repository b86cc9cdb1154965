# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a ProCall UCServer is brought back: every branch of the vendor's text, with this host's own values.

Source: estos Datensicherungskonzept, March 2024, "Datenwiederherstellung"; for what an import cannot do the help page
"Import und Export von Konfigurationsdaten" (help.estos.com, IDH_IMPORTEXPORT.htm).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..base import Probe
from ..procall_options import CONFIGURATION, EDITION_TITLES, MEDIA_SERVER, UCSERVER, WEB_SERVER
from .plan import Branch, Occasion, RecoveryPlan, Steps, companions_of, instance_of, licence_steps, listed, source_of

RESTORE = "procall_server_restore"
STEP_PLAN, STEP_STOP = "plan", "stop"
"""Values of the restore modules' option ``step``."""
LICENCES_GO = "where the installation or UCServer Verwaltung asks for them"
SETUP_DIALOG = '"estos UCServer - Setup"'
SERVICE_ITEMS = "service-"
REGISTRY_ITEMS = ("registry", "administrators")
_TITLES = {UCSERVER: "UCServer", MEDIA_SERVER: "UC Media Server", WEB_SERVER: "UC Web Server"}


def procall_server_plan(occasion: Occasion) -> RecoveryPlan:
    """The plan for the machine that a generation was made of."""
    here = _Here(occasion)
    branches = [_repair(here), _reinstall_keeping_files(here)]
    if here.edition != "datacenter" and here.has(UCSERVER):
        branches.append(_export_archive(here))
    branches.append(_from_scratch(here))
    if here.databases:
        branches.append(_databases(here))
    if here.user_database == "active_directory":
        branches.append(_directory(here))
    if here.has(UCSERVER):
        branches.append(_clients(here))
    return RecoveryPlan(
        f"Bring back {here.product} on {here.host}", occasion.generation, here.known(), branches, here.remarks()
    )


class _Here:
    """What the generation tells of its host."""

    def __init__(self, occasion: Occasion) -> None:
        self.occasion = occasion
        self.probe: Probe = occasion.probe
        self._facts: Mapping[str, Any] = occasion.probe.facts

    def has(self, component: str) -> bool:
        return component in self._facts.get("components", [UCSERVER])

    @property
    def host(self) -> str:
        return str(self.probe.identity.get("hostname") or self.occasion.source)

    @property
    def edition(self) -> str:
        return str(self._facts.get("edition") or "")

    @property
    def product(self) -> str:
        return EDITION_TITLES.get(self.edition, "ProCall") + (" UCServer" if self.has(UCSERVER) else "")

    @property
    def installed(self) -> str:
        """What is to be installed, in words."""
        names = [title for component, title in _TITLES.items() if self.has(component)]
        return listed(names, "UCServer")

    @property
    def version(self) -> str:
        return self.probe.version or "the version that the generation does not tell"

    @property
    def root(self) -> str:
        return str(self._facts.get("root") or "the folder of UCServer")

    @property
    def media_root(self) -> str:
        return str(self._facts.get("media_server_root") or "the folder of UC Media Server")

    @property
    def services(self) -> list[Mapping[str, Any]]:
        return list(self._facts.get("uc_services", []))

    def service_names(self, component: str | None = None) -> list[str]:
        return [
            f"{one.get('display_name') or one['name']} ({one['name']})"
            for one in self.services
            if component in (None, one.get("component"))
        ]

    @property
    def accounts(self) -> list[str]:
        """Accounts of services whose password nobody can read back."""
        return sorted({one["account"] for one in self.services if one.get("needs_password")})

    @property
    def databases(self) -> list[Mapping[str, Any]]:
        return list(self._facts.get("databases", []))

    @property
    def user_database(self) -> str:
        return str(self._facts.get("user_database") or "")

    @property
    def partners(self) -> list[str]:
        return [str(one) for one in self._facts.get("partner_servers", [])]

    @property
    def licence_count(self) -> int:
        return len(self.probe.licences)

    def folder_items(self) -> list[str]:
        others = (*self.service_items(), *REGISTRY_ITEMS)
        return [name for name in self.occasion.items if name not in others]

    def service_items(self) -> list[str]:
        return [name for name in self.occasion.items if name.startswith(SERVICE_ITEMS)]

    def known(self) -> dict[str, str]:
        known = {
            "Host": self.host,
            "Product": self.product,
            "Version": self.version,
            "Components": self.installed,
            "Domain": str(self._facts.get("domain") or ""),
            "Folder of UCServer": self.root if self.has(UCSERVER) or self.has(WEB_SERVER) else "",
            "Folder of UC Media Server": self.media_root if self.has(MEDIA_SERVER) else "",
            "Services": listed(self.service_names()),
            "Folders of SQLite databases": listed(self._facts.get("database_folders", [])),
            "SQL Server databases": listed(_database_text(one) for one in self.databases),
            "Users are kept in": _USERS.get(self.user_database, ""),
            "Other UCServers": listed(self.partners),
            "Licence keys in the generation": str(self.licence_count),
            "UCConnect ID": str(self._facts.get("ucconnect_id") or ""),
            "Export archive": str(self._facts.get("export_zip") or ""),
            "Snapshots and images of the machine": listed(self.occasion.images),
            "Generations of the same run": listed(self.occasion.companions),
        }
        return {name: value for name, value in known.items() if value}

    def remarks(self) -> list[str]:
        remarks = []
        if self.occasion.images:
            remarks.append(
                f"The vendor prefers a mirrored disk, a snapshot of the virtual machine or an image of the disk where"
                f" there is one. Declared: {listed(self.occasion.images)}."
            )
        if self.edition == "datacenter":
            remarks.append(
                "What is in Redis is volatile. Nothing of it is kept, an empty Redis is enough for UCServer to start."
            )
        remarks += [str(remark) for remark in self._facts.get("undiscovered", [])]
        return remarks


_USERS = {
    "internal": "UCServer's own user administration",
    "active_directory": "Active Directory",
}


FROM_SCRATCH = "Install anew from this generation"
_UNLESS_RESTORING = f', unless the branch "{FROM_SCRATCH}" led here: then go back to it, its restore starts UCServer'


# --- the branches ----------------------------------------------------------------------------------------------------
def _repair(here: _Here) -> Branch:
    steps = Steps()
    steps.you(
        f"Run the installer of {here.product} {here.version} on {here.host} and choose to repair. UC Media Server and"
        " UC Web Server are repaired with it. Files that do not come from the installation stay as they are:"
        " configuration, logs, SQLite databases."
    )
    _cancel_setup(steps)
    _service_definitions(
        steps,
        here,
        "Put the service definitions back: the repair has removed those of UCServer, UC Media Server and UC Web Server"
        " and made them anew with their defaults",
    )
    _start(steps, here)
    _check(steps, here)
    return steps.branch(
        "Repair the installation",
        "When UCServer does not start, or crashes while it starts, and its data are whole: files of the installation"
        ' or the service definition of "estos UCServer" are damaged or gone.',
    )


def _reinstall_keeping_files(here: _Here) -> Branch:
    steps = Steps()
    steps.you(
        f"Uninstall {here.installed} on {here.host}. When the uninstaller asks, choose to keep the files that do not"
        " come from the installation (start-up files, logs, local SQLite databases)."
    )
    steps.you(f"Install {here.product} {here.version}, the identical version, into {here.root}.")
    _cancel_setup(steps)
    _service_definitions(steps, here, "Put the service definitions back, the new ones have their defaults")
    _start(steps, here)
    _check(steps, here)
    return steps.branch(
        "Install anew, keep the files", "When a repair does not help, and the data on the machine are whole."
    )


def _export_archive(here: _Here) -> Branch:
    steps = Steps()
    archive = here.probe.facts.get("export_zip")
    if archive:
        steps.module(
            "generation_extract",
            f'Fetch the archive of "Datenexport" ({archive}) out of the generation, and copy it to {here.host}',
            generation=here.occasion.generation,
            only_items=["export-archive"],
        )
    else:
        steps.you(
            'Have the ZIP archive of "Datenexport" at hand (UCServer Verwaltung, menu "Datei"). The generation holds'
            " none; without one take the branch after this."
        )
    steps.you(
        f"Install {here.product} {here.version}, the identical version, and name the ZIP archive in the wizard of the"
        " installation. It installs and restores in one."
    )
    if here.user_database == "active_directory":
        steps.you(
            "The archive cannot bring users, groups and computers back into Active Directory. Take them from the"
            " branch about Active Directory."
        )
    if here.databases:
        steps.you("The archive holds nothing of SQL Server databases. Take them from the branch about databases.")
    licence_steps(steps, here.occasion, LICENCES_GO)
    _service_definitions(steps, here, "Put the service definitions back, the archive does not hold them")
    _start(steps, here)
    _check(steps, here)
    return steps.branch(
        "Install anew from the export archive", 'When there is a ZIP archive of "Datenexport" that is recent enough.'
    )


def _from_scratch(here: _Here) -> Branch:
    steps = Steps()
    source, generation = here.occasion.source, here.occasion.generation
    steps.you(
        f"Install {here.installed} of {here.product} {here.version} on {here.host}, the identical version, into"
        f" {_roots(here)}."
    )
    _cancel_setup(steps)
    licence_steps(steps, here.occasion, LICENCES_GO)
    steps.module(
        RESTORE,
        "Look at the plan of the restore. Nothing is touched",
        source=source,
        generation=generation,
        step=STEP_PLAN,
    )
    steps.module(
        RESTORE,
        f"Stop {_stop_order(here)}, which the installation may have started. They stay stopped until the restore is"
        " done: nothing may run while its folders and databases are put back",
        source=source,
        generation=generation,
        step=STEP_STOP,
    )
    if here.databases or here.user_database == "active_directory":
        steps.you(
            "Before UCServer is started, follow the branches about databases and Active Directory as far as they are"
            " lost too. Come back here before their last step, which starts UCServer."
        )
    _restore_all(steps, here)
    _start(steps, here)
    _check(steps, here)
    return steps.branch(
        FROM_SCRATCH,
        "When the machine or its data are lost.",
    )


def _databases(here: _Here) -> Branch:
    steps = Steps()
    servers = listed([here.host, *here.partners])
    steps.you(
        f"Stop UCServer on {servers}: no UCServer of the environment may run while a database is restored."
        if here.edition == "datacenter" or here.partners
        else f"Stop UCServer on {servers}: it may not run while its database is restored."
    )
    generations = companions_of(here.occasion, "mssql")
    found = [_generation_of(database, generations) for database in here.databases]
    others = listed(one for one in generations if one not in found)
    for database, generation in zip(here.databases, found):
        if generation:
            steps.module(
                "mssql_restore",
                f"Restore {_database_text(database)}, {_purpose(database)}",
                source=source_of(generation),
                instance=instance_of(generation),
                generation=generation,
            )
        elif database.get("database"):
            steps.you(
                f"Restore {_database_text(database)}, {_purpose(database)}, with the tools of SQL Server: no generation"
                " of the same run holds it."
            )
        else:
            held = (
                f"of generations of the same run {others} may hold it"
                if others
                else "no generation is known to hold it"
            )
            steps.you(
                f"Restore the database of {_purpose(database)}, whose name was not known when the generation was made:"
                f" UCServer Verwaltung names it, {held}."
            )
    _start(steps, here, f"Start UCServer on {servers} again{_UNLESS_RESTORING}")
    return steps.branch("Restore its databases", "When a SQL Server database that UCServer uses is lost or damaged.")


def _directory(here: _Here) -> Branch:
    steps = Steps()
    generations = companions_of(here.occasion, "ad_attributes")
    steps.you(f"Stop UCServer on {listed([here.host, *here.partners])}, so that it does not write to the same objects.")
    text = (
        "Put the attributes back that UCServer keeps at users, groups and computers: value by value, so that what"
        " other applications keep in extensionName and proxyAddresses stays"
    )
    for generation in generations:
        steps.module(
            "ad_attributes_restore",
            text,
            source=source_of(generation),
            instance=instance_of(generation),
            generation=generation,
        )
    if not generations:
        steps.you(f"{text}. No generation of the same run holds them: use a backup of the domain.")
    _start(steps, here, f"Start UCServer again{_UNLESS_RESTORING}")
    return steps.branch(
        "Restore its values in Active Directory",
        "When UCServer keeps its users in Active Directory, and attributes or objects there are lost.",
    )


def _clients(here: _Here) -> Branch:
    steps = Steps()
    steps.you(
        "ProCall for Windows, when only files and registry entries of the installation are lost: repair the"
        " installation. What the user has set stays."
    )
    steps.you(
        "ProCall for Windows, otherwise: uninstall it and install it anew, for example by software distribution. What"
        " the user has set is lost with it."
    )
    steps.module(
        "procall_client_restore",
        "Put back what users have set (registry and the folder below %APPDATA%). The client must not run meanwhile",
    )
    known = here.probe.facts.get("ucconnect_id")
    steps.you(
        "ProCall Mobile: uninstall and install the app; it keeps nothing that is worth a backup. The user logs in with"
        f" the UCConnect ID {known or 'from the invitation mail (it is not in the generation)'}. Some settings of the"
        " app may be back at their defaults."
    )
    steps.you("ProCall for macOS: uninstall and install the app; it keeps nothing on the machine.")
    return steps.branch("Bring clients back", "When a client does not work any more.")


# --- steps that branches share ---------------------------------------------------------------------------------------
def _cancel_setup(steps: Steps) -> None:
    steps.you(
        f"Cancel {SETUP_DIALOG} at its first page. It starts by itself at the end of the installation and would write"
        " a new configuration."
    )


def _restore_all(steps: Steps, here: _Here) -> None:
    """One run, which starts nothing before all of it is back. Step by step each of them would start the services."""
    registry = (
        r", then the registry (HKEY_LOCAL_MACHINE\SOFTWARE\ESTOS\UCServer4\Server, and of each administrator"
        r" HKEY_CURRENT_USER\SOFTWARE\ESTOS\UCServer4\Admin)"
    )
    steps.module(
        RESTORE,
        "Put everything back in the vendor's order, and start the services after it: the saved folders"
        f" ({_folders(here)}), then the changes of the service definitions"
        f"{registry if here.has(UCSERVER) else ''}{_password_note(here)}",
        source=here.occasion.source,
        generation=here.occasion.generation,
        service_passwords=_passwords(here),
    )


def _service_definitions(steps: Steps, here: _Here, text: str) -> None:
    if not here.service_items():
        steps.you(
            f"{text}. The generation holds none of them: set start, account and dependencies of"
            f" {_stop_order(here)} by hand, as they were noted."
        )
        return
    steps.module(
        RESTORE,
        f"{text}{_password_note(here)}",
        source=here.occasion.source,
        generation=here.occasion.generation,
        only_items=here.service_items(),
        service_passwords=_passwords(here),
    )


def _passwords(here: _Here) -> dict[str, str] | None:
    return dict.fromkeys(here.accounts, "<password>") or None


def _password_note(here: _Here) -> str:
    return f". The password of {listed(here.accounts)} is to be given, no machine tells it" if here.accounts else ""


def _start(steps: Steps, here: _Here, text: str = "") -> None:
    names = listed(here.service_names(UCSERVER) or here.service_names())
    text = text or f"Start the service {names or here.installed}, if it does not run yet"
    steps.you(f"{text}.")


def _check(steps: Steps, here: _Here) -> None:
    what = "log in with UCServer Verwaltung, make a call, send a chat message"
    steps.you(f"See that it serves: {what}." if here.has(UCSERVER) else "See that it serves: make a softphone call.")


def _roots(here: _Here) -> str:
    roots = [here.root] if here.has(UCSERVER) or here.has(WEB_SERVER) else []
    if here.has(MEDIA_SERVER) and not here.media_root.lower().startswith(here.root.lower() + "\\"):
        roots.append(here.media_root)
    return listed(roots)


def _stop_order(here: _Here) -> str:
    return listed(here.service_names(), "the services")


def _folders(here: _Here) -> str:
    return f"{listed(here.folder_items(), 'all of them')}, into {_roots(here)}"


def _purpose(database: Mapping[str, Any]) -> str:
    if database.get("role") == CONFIGURATION:
        return 'the configuration and users of all UCServers (page "Multi-Server-Datenbank")'
    return 'chats, journal and more (page "Datenbank")'


def _database_text(database: Mapping[str, Any]) -> str:
    server = database.get("server")
    name = database.get("database") or f"a database for {_purpose(database)}, whose name is not known"
    return f"{name} on {server}" if server else str(name)


def _generation_of(database: Mapping[str, Any], generations: Sequence[str]) -> str | None:
    instance = database.get("instance") or database.get("database")
    if not instance:
        return None
    named = [one for one in generations if (instance_of(one) or "").lower() == str(instance).lower()]
    source = database.get("source")
    return next((one for one in named if not source or source_of(one) == source), None)
