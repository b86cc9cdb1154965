# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the files of UCServer and UC Media Server tell, read with bounded means and without disturbing anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from .._compare.xml_document import LARGEST, XmlRefused
from .._transport.windows import WindowsTransport
from .._transport.windows_files import WindowsFile
from .procall_discovery import DIRECTORY_CACHE, SQLITE_FILES, USER_FILES
from .procall_media import LOGPARAMS, log_folders
from .procall_options import UCSERVER
from .procall_services import UcService, folders_above
from .procall_settings import Setting, xml_settings
from .windows_discovery import exists

DEFAULT_ROOT = r"C:\Program Files\estos\UCServer"
"""The vendor's own example (estos Datensicherungskonzept)."""
_ROOT_FOLDERS = (("config",), ("ClientInstall", "userstates", "linestates"))
"""What tells the root of UCServer, the best first."""
MEDIA_SUBFOLDER = "MediaService"
EMSWINDOWS = "emswindows"
_MOST_DOCUMENTS = 500
_LARGEST_LOGPARAMS = 2**20


@dataclass
class ConfigFiles:
    """What stands in the XML of ``config``. ``users``: how many there are, None when that cannot be told. ``unread``:
    files that could not be understood, and why."""

    settings: list[Setting] = field(default_factory=list)
    users: int | None = None
    unread: list[str] = field(default_factory=list)


class ProcallFiles:
    """Looks at the files of one host."""

    def __init__(self, host: WindowsTransport) -> None:
        self._host = host
        self._files = host.files

    def is_there(self, path: str) -> bool:
        """Whether something stands at a path."""
        return exists(self._host, path)

    def names(self, folder: str) -> list[WindowsFile]:
        """What is in a folder; nothing when it is not there or cannot be listed."""
        try:
            return self._files.list_folder(folder)
        except OSError:
            return []

    # --- where it is -------------------------------------------------------------------------------------------------
    def server_root(self, services: Iterable[UcService], locations: Iterable[str]) -> str:
        r"""The folder that has ``config``, or has lost it and has another one of the vendor's list: around the programs
        of the services, where an uninstall key says, or the vendor's example. Without such a folder where the program
        lies; empty when nothing tells."""
        known = sorted(services, key=lambda service: service.component != UCSERVER)
        programs = [service.program for service in known if service.program]
        candidates = [folder for program in programs for folder in folders_above(program, 3)]
        candidates += [*locations, DEFAULT_ROOT]
        for names in _ROOT_FOLDERS:
            for folder in candidates:
                if any(self.is_there(f"{folder}\\{name}") for name in names):
                    return folder
        return next((folders_above(program)[0] for program in programs if folders_above(program)), "")

    def media_root(self, services: Iterable[UcService], server_root: str) -> str:
        r"""The folder that has ``emswindows`` or ``logparams.txt``; empty when there is none and no service tells."""
        programs = [service.program for service in services if service.program]
        candidates = [folder for program in programs for folder in folders_above(program)]
        candidates += [f"{server_root}\\{MEDIA_SUBFOLDER}"] if server_root else []
        for folder in candidates:
            if any(self.is_there(f"{folder}\\{name}") for name in (EMSWINDOWS, LOGPARAMS)):
                return folder
        for program in programs:
            above = program.lower().partition(f"\\{EMSWINDOWS}\\")[0]
            if len(above) < len(program):
                return program[: len(above)]
            if folders_above(program):
                return folders_above(program)[0]
        return ""

    # --- what it tells -----------------------------------------------------------------------------------------------
    def config(self, root: str) -> ConfigFiles:
        r"""The settings of ``config\*.xml`` and how many users have a file in ``config\users``."""
        found = ConfigFiles()
        folder = f"{root}\\config"
        documents = [one for one in self.names(folder) if one.kind == "file" and one.name.lower().endswith(".xml")]
        for one in documents[:_MOST_DOCUMENTS]:
            path = f"{folder}\\{one.name}"
            try:
                found.settings += xml_settings(path, self._read(path, LARGEST + 1))
            except (XmlRefused, OSError) as error:
                reason = str(error) if isinstance(error, XmlRefused) else "it cannot be read"
                found.unread.append(f"{path}: {reason}")
        found.users = self._count_users(folder)
        return found

    def _count_users(self, config: str) -> int | None:
        if not self.is_there(config):
            return None
        try:
            return sum(1 for one in self._files.list_folder(f"{config}\\users") if USER_FILES.search(one.name))
        except FileNotFoundError:
            return 0
        except OSError:
            return None

    def sqlite_files(self, folders: Iterable[str]) -> list[str]:
        """The SQLite databases of UCServer in some folders, by their paths."""
        return [
            f"{folder}\\{one.name}" for folder in folders for one in self.names(folder) if SQLITE_FILES.match(one.name)
        ]

    def has_directory_cache(self, folders: Iterable[str]) -> bool:
        """Whether UCServer has kept users of a directory in one of its database folders."""
        return any(one.name.lower() == DIRECTORY_CACHE for folder in folders for one in self.names(folder))

    def media_log_folders(self, media_root: str) -> list[str] | None:
        """The folders that ``logparams.txt`` names; None when there is no such file."""
        try:
            content = self._read(f"{media_root}\\{LOGPARAMS}", _LARGEST_LOGPARAMS)
        except OSError:
            return None
        return log_folders(content, media_root)

    def texts(self, places: Sequence[str]) -> list[Setting]:
        """Settings of ``<file>#<XML element or attribute>``; what is not there is left out."""
        found = []
        for place in places:
            file, _mark, name = place.partition("#")
            try:
                settings = xml_settings(file, self._read(file, LARGEST + 1))
            except (XmlRefused, OSError):
                continue
            found += [one for one in settings if one.name.lower() == name.lower() and one.value]
        return found

    def _read(self, path: str, most: int) -> bytes:
        return b"".join(_bounded(self._files.read(path), most))


def _bounded(chunks: Iterable[bytes], most: int) -> Iterator[bytes]:
    left = most
    for chunk in chunks:
        yield chunk[:left]
        left -= len(chunk)
        if left <= 0:
            return
