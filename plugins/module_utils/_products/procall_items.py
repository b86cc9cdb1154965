# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

r"""What is gathered of a UCServer, by the vendor's list.

Source: estos Datensicherungskonzept, March 2024, "Art und Umfang der zu sichernden Daten": the folders and keys of
"ProCall DataCenter", which hold for ProCall Enterprise and Business too; "ProCall UC Media Server"; "ProCall UC Web
Server", whose settings are in ``config`` of UCServer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .._entries import Entry, Gathered, ItemReport
from .._items.base import Item
from .._items.windows_tree import WindowsTree
from .._items.zip_test import ZipTest
from .._transport.base import Transport
from .base import Probe
from .estos_licences import licence_list
from .item_names import named_after
from .not_gatherable import NotGatherable
from .procall_options import DATABASE_PAGES, MEDIA_SERVER, UCSERVER, WEB_SERVER, ProcallServerOptions
from .procall_probe import ADMIN_KEY, SERVER_KEY
from .windows_discovery import is_below, same_path
from .windows_product import WindowsProduct

CONFIG, DATABASE, LOGS = "config", "database", "logs"
FOLDERS = (
    ("client-install", "ClientInstall", "system_config"),
    (CONFIG, "config", "voip_config"),
    (DATABASE, "database", "user_data"),
    ("linestates", "linestates", "user_data"),
    ("pending", "pending", "user_data"),
    ("userstates", "userstates", "user_data"),
    (LOGS, "logs", "logs"),
)
"""Item, folder below the root, data class. Installation packages of clients belong to the system; what people wrote,
and when their telephones were busy, is theirs."""
LIVING = (CONFIG, DATABASE, "linestates", "pending", "userstates")
"""What UCServer writes while it runs. That it writes into ``config`` and into its key of the registry, and UC Media
Server into ``etc``, are assumptions: the vendor says of no file who writes it."""
SHARED_MEMORY = "*-shm"
"""SQLite makes it anew from the log beside it (sqlite.org/walformat.html); while it is used it cannot be read."""
NO_ROOT = "UCServer is not found on this host; say with the option root where it is"
NO_MEDIA_ROOT = "UC Media Server is not found on this host; say with the option media_server_root where it is"
NO_SERVICE = "no service of {} is found on this host; name it in the option services"
NO_DATABASE = (
    "neither SQLite files of UCServer nor a SQL Server database were found, so it is not known where chats and journal"
    " are; say it with the option database_folders or databases"
)
NAMELESS_DATABASE = (
    'the name of the SQL Server database (page "{}" of UCServer Verwaltung) could not be discovered, so nobody can tell'
    " whether there is a backup of it; say it with the option databases"
)
_TITLES = {UCSERVER: "UCServer", MEDIA_SERVER: "UC Media Server", WEB_SERVER: "UC Web Server"}


@dataclass
class ExportArchive(WindowsTree):
    """The ZIP archive that a person made with "Datenexport"; one that is not whole is a problem."""

    def gather(self, transport: Transport, report: ItemReport) -> Iterator[Gathered]:
        for entry, content in super().gather(transport, report):
            yield entry, self._tested(entry, content, report) if entry.kind == "file" else content

    @staticmethod
    def _tested(entry: Entry, content: Iterable[bytes], report: ItemReport) -> Iterator[bytes]:
        test = ZipTest()
        for chunk in content:
            test.feed(chunk)
            yield chunk
        wrong = test.finish()
        if wrong is not None:
            report.problem(entry.path, f"the archive {wrong}")


class ProcallItems:
    """The items of one machine, asked of its probe alone.

    :param product: makes items with what its options say of passwords
    """

    def __init__(self, product: WindowsProduct, options: ProcallServerOptions, probe: Probe) -> None:
        self._product = product
        self._options = options
        self._facts = probe.facts
        self._probe = probe
        self._components = list(probe.facts.get("components") or options.components or [UCSERVER])
        self._root = str(probe.facts.get("root") or "")
        self._media_root = str(probe.facts.get("media_server_root") or "")

    def all(self) -> list[Item]:
        """Everything to gather."""
        items: list[Item] = []
        if UCSERVER in self._components:
            items += self._folders([folder for folder in FOLDERS if folder[0] != DATABASE])
            items += self._databases()
        elif WEB_SERVER in self._components:
            items += self._folders([folder for folder in FOLDERS if folder[0] == CONFIG])
        if MEDIA_SERVER in self._components:
            items += self._media()
        items += self._services()
        if UCSERVER in self._components:
            items += self._registry()
            if self._facts.get("export_zip"):
                items.append(self._archive(str(self._facts["export_zip"])))
        return [*items, licence_list(self._probe)]

    # --- folders -----------------------------------------------------------------------------------------------------
    def _folders(self, folders: Iterable[tuple[str, str, str]]) -> Iterator[Item]:
        for name, folder, data_class in folders:
            if not self._root:
                yield NotGatherable(name=name, data_class=data_class, reason=NO_ROOT)
                continue
            paths = [f"{self._root}\\{folder}"]
            if name == LOGS:
                paths += [one for one in self._options.log_folders if not is_below(one, paths[0])]
            required = name not in self._options.optional_folders
            yield self._product.tree(
                name, paths, data_class, required=required, exclude=self._excluded(paths), lives=name in LIVING
            )

    def _excluded(self, paths: Iterable[str]) -> tuple[str, ...]:
        """What the operator leaves out, and database folders that lie in these folders: they are items of their own."""
        kept = [one for path in paths for one in self._elsewhere() if is_below(one, path)]
        return (*self._options.exclude, *kept)

    def _elsewhere(self) -> list[str]:
        return [str(one) for one in self._facts.get("database_folders", [])]

    def _databases(self) -> Iterator[Item]:
        if not self._root:
            yield NotGatherable(name=DATABASE, data_class="user_data", reason=NO_ROOT)
        else:
            yield self._database(DATABASE, f"{self._root}\\{DATABASE}")
        for folder in self._elsewhere():
            if not (self._root and is_below(folder, f"{self._root}\\{DATABASE}")):
                yield self._database(f"{DATABASE}-{named_after(folder)}", folder)
        unknown = self._root and not self._facts.get("has_sqlite") and not self._facts.get("databases_known_from")
        if unknown:
            yield NotGatherable(name="databases", data_class="user_data", reason=NO_DATABASE)
        for database in self._facts.get("databases", []):
            if not database.get("database"):
                role = str(database["role"])
                yield NotGatherable(
                    name=f"database-of-{role}",
                    data_class="user_data",
                    reason=NAMELESS_DATABASE.format(DATABASE_PAGES[role]),
                )

    def _database(self, name: str, folder: str) -> Item:
        from_copy = self._options.consistency == "shadow_copy"
        tree = self._product.tree(name, [folder], "user_data", exclude=(SHARED_MEMORY, *self._options.exclude))
        return WindowsTree(
            name=name,
            data_class="user_data",
            required=name not in self._options.optional_folders,
            lives=True,
            order=tree.order,
            consistency="shadow_copy" if from_copy else "none",
            paths=tree.paths,
            exclude=tree.exclude,
            shadow_copy="required" if from_copy else "never",
        )

    def _media(self) -> Iterator[Item]:
        root = self._media_root
        if not root:
            yield NotGatherable(name="media-config", data_class="voip_config", reason=NO_MEDIA_ROOT)
            return
        exclude = tuple(self._options.exclude)
        yield self._product.tree("media-config", [f"{root}\\emswindows\\etc"], exclude=exclude, lives=True)
        yield self._product.tree("media-logparams", [f"{root}\\logparams.txt"])
        logs = [str(one) for one in self._facts.get("media_log_folders", [])]
        if UCSERVER in self._components:
            own = [f"{self._root}\\logs", *self._options.log_folders]
            logs = [one for one in logs if not any(same_path(one, known) or is_below(one, known) for known in own)]
        elif self._options.log_folders:
            named = self._options.log_folders
            logs = [one for one in logs if not any(same_path(one, known) or is_below(one, known) for known in named)]
            required = LOGS not in self._options.optional_folders
            yield self._product.tree(LOGS, named, "logs", required=required, exclude=exclude)
        if logs:
            yield self._product.tree("media-logs", logs, "logs", required=False, exclude=exclude)

    def _archive(self, path: str) -> Item:
        tree = self._product.tree("export-archive", [path], "voip_config")
        return ExportArchive(name=tree.name, data_class=tree.data_class, order=tree.order, paths=tree.paths)

    # --- services and registry ---------------------------------------------------------------------------------------
    def _services(self) -> Iterator[Item]:
        yield from self._product.definitions([str(name) for name in self._facts.get("services", [])])
        found = {one.get("component") for one in self._facts.get("uc_services", [])}
        for component in self._components:
            if component not in found:
                yield NotGatherable(
                    name=f"service-of-{component.replace('_', '-')}",
                    data_class="system_config",
                    reason=NO_SERVICE.format(_TITLES[component]),
                )

    def _registry(self) -> Iterator[Item]:
        administrators = tuple(self._options.administrators)
        yield self._product.registry("registry", [SERVER_KEY], lives=True)
        yield self._product.registry("administrators", [ADMIN_KEY], users=administrators, required=bool(administrators))
