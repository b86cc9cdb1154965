# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

r"""The registry of a Windows host, read and written by ``reg`` and files.

Command lines name keys and files and nothing else: what a key holds goes to a scratch file and by SMB from there, and
comes back the same way. The 64 bit view is always asked for; the 32 bit one has its explicit path with ``WOW6432Node``.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import time
from collections.abc import Iterator, Sequence
from types import TracebackType

from .._compare.registry import LARGEST, RegistryTree, fold, format_reg, long_key, parse_export
from .._errors import CommandFailed, DeadlineExceeded, OutputTooLarge
from .._transport.base import CommandResult, Transport
from .._transport.windows import windows
from .registry_print import parse_print
from .scratch import Scratch

USERS = "HKEY_USERS"
DEADLINE = 300
"""Seconds that one command may take."""
LONGEST_ANSWER = 4 * 2**20
"""Bytes of standard output; only a list of names is ever so long."""

LONGEST_PRINT = 64 * 2**20
"""Bytes of a whole key as it is printed."""

_HIVE = "ucops-"
_HIVE_NAME = re.compile(_HIVE + r"([0-9a-f]{8})-[0-9a-f]{8}\Z")
_HIVE_LEFTOVER_AFTER = 6 * 3600
_VIEW = "/reg:64"
_EXPORTS = 2
"""How often a key is exported that is there: one that is written meanwhile can spoil one export."""
_TRIES = 5
_PAUSE = 2.0


class HostRegistry:
    """A context manager: the scratch folder is there as long as it is entered.

    On a host that is only looked at there is no such folder: keys are read from what ``reg query`` prints, which is
    good enough to see what is there, and only users who are logged on have one. Nothing is loaded or imported.

    All methods raise CommandFailed when the host refuses or does not come to an end, and ConnectionFailed.
    """

    def __init__(self, transport: Transport) -> None:
        """:raises OptionInvalid: the transport leads to no Windows host"""
        self._host = windows(transport)
        self._scratch = Scratch(self._host.files)

    def __enter__(self) -> HostRegistry:
        if not self._host.only_looks:
            self._scratch.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._host.only_looks:
            self._scratch.__exit__(kind, error, trace)

    # --- reading ----------------------------------------------------------------------------------------------------
    def export(self, key: str) -> bytes | None:
        """What ``reg export`` writes of a key; None when there is no such key. Raises CommandFailed when it is there
        and cannot be exported."""
        if self._host.only_looks:
            return self._printed(key)
        for attempt in range(_EXPORTS):
            path = self._scratch.new()
            try:
                result = self._reg(["export", key, path, "/y", _VIEW], key)
                if result.rc == 0:
                    return self._scratch.read(path, LARGEST)
            finally:
                self._scratch.remove(path)
            if not self._is_there(long_key(key)):
                return None
            if attempt == _EXPORTS - 1:
                raise self._refused("The key cannot be exported", key, result)
        return None

    def read(self, key: str) -> RegistryTree | None:
        """A key with everything below it; None when there is no such key.

        :raises ItemTruncated, RegistryFileMalformed, HostileContent: the export is none of this key
        """
        content = self.export(key)
        return None if content is None else parse_export(content, key)

    def _printed(self, key: str) -> bytes | None:
        result = self._reg(["query", key, "/s", _VIEW], key, LONGEST_PRINT)
        if result.rc == 0:
            return format_reg(parse_print(result.stdout, key))
        if not self._is_there(long_key(key)):
            return None
        raise self._refused("The key cannot be read", key, result)

    def subkeys(self, key: str) -> list[str] | None:
        """The names of the keys right below a key; None when they cannot be listed."""
        result = self._reg(["query", key, _VIEW], key)
        if result.rc != 0:
            return None
        try:
            lines = result.stdout.decode("utf-8").splitlines()
        except UnicodeDecodeError:
            # in the code page of the host, which nobody knows: the export is Unicode
            tree = self.read(key)
            return None if tree is None else tree.subkeys(key)
        start = long_key(key) + "\\"
        names = [line.rstrip()[len(start) :] for line in lines if fold(line[: len(start)]) == fold(start)]
        return [name for name in names if name and "\\" not in name]

    def texts(self, key: str) -> dict[str, str]:
        """The values of a single key as ``reg query`` shows them, by name in lower case; empty when there is no such
        key. For values that are known to be short and ASCII."""
        result = self._reg(["query", key, _VIEW], key)
        lines = result.stdout.decode("utf-8", "replace").splitlines() if result.rc == 0 else []
        found = (_SHOWN_VALUE.match(line) for line in lines)
        return {one["name"].lower(): (one["data"] or "").strip() for one in found if one}

    # --- writing ----------------------------------------------------------------------------------------------------
    def prepare(self, change: RegistryTree) -> str:
        """Bring a change to the host as a file to import; gives its path there. Nothing is changed yet."""
        return self._scratch.write([format_reg(change)])

    def make(self, prepared: str, item: str) -> None:
        """Import a prepared change.

        :param item: how an error names what is changed
        """
        result = self._reg(["import", prepared, _VIEW], item)
        if result.rc != 0:
            raise self._refused("The change of the registry cannot be imported", item, result)

    # --- users ------------------------------------------------------------------------------------------------------
    def has_hive(self, folder: str) -> bool:
        """Whether the profile in this folder holds its user's part of the registry."""
        return self._has(_hive_file(folder))

    @contextlib.contextmanager
    def hive_of(self, sid: str, folder: str, loaded: bool) -> Iterator[str | None]:
        r"""The key that holds a user's ``HKEY_CURRENT_USER``, while the context is entered.

        For a user who is not logged on that is his ``NTUSER.DAT``, loaded as ``HKEY_USERS\ucops-...`` and unloaded on
        every path. None when the profile has none.

        :param folder: the profile's folder
        :param loaded: whether it is known to be there already
        """
        if loaded:
            yield f"{USERS}\\{sid}"
            return
        file = _hive_file(folder)
        if self._host.only_looks or not self._has(file):
            # reg load would make one
            yield None
            return
        name = f"{_HIVE}{int(time.time()):08x}-{secrets.token_hex(4)}"
        if not self._load(name, file, sid):
            yield f"{USERS}\\{sid}"
            return
        try:
            yield f"{USERS}\\{name}"
        finally:
            self._unload(name, sid)

    def loaded_users(self) -> list[str]:
        """The names below ``HKEY_USERS``. What a killed run left loaded is unloaded on the way: it would keep its user
        from logging on."""
        names = self.subkeys(USERS)
        if names is None:
            raise CommandFailed(
                "The list of loaded users cannot be read",
                host=self._host.host,
                item=USERS,
                hint="The account must be an administrator of the host.",
            )
        for name in names:
            made = _HIVE_NAME.match(name)
            if made and not self._host.only_looks and time.time() - int(made[1], 16) > _HIVE_LEFTOVER_AFTER:
                self._reg(["unload", f"HKU\\{name}"], name)
        return names

    def _load(self, name: str, file: str, sid: str) -> bool:
        """False: the user logged on meanwhile."""
        for attempt in range(_TRIES):
            result = self._reg(["load", f"HKU\\{name}", file], file)
            if result.rc == 0:
                return True
            if fold(sid) in map(fold, self.subkeys(USERS) or ()):
                return False
            if attempt < _TRIES - 1:
                time.sleep(_PAUSE)
        raise self._refused("The registry of this user cannot be loaded", sid, result)

    def _unload(self, name: str, sid: str) -> None:
        for attempt in range(_TRIES):
            result = self._reg(["unload", f"HKU\\{name}"], sid)
            if result.rc == 0:
                return
            if attempt < _TRIES - 1:
                time.sleep(_PAUSE)
        raise CommandFailed(
            f"The registry of this user stays loaded as HKU\\{name}: {result.complaint or f'exit status {result.rc}'}",
            host=self._host.host,
            item=sid,
            hint=f"Run `reg unload HKU\\{name}` on the host before the user logs on.",
        )

    def _has(self, file: str) -> bool:
        try:
            return self._host.files.stat(file).kind == "file"
        except FileNotFoundError:
            return False
        except OSError as error:
            raise CommandFailed(
                f"The registry of this user cannot be looked at: {error.strerror or type(error).__name__}",
                host=self._host.host,
                item=file,
            ) from error

    # ----------------------------------------------------------------------------------------------------------------
    def _is_there(self, key: str) -> bool:
        """Whether a key that cannot be exported exists. What ``reg`` says about it is in the host's language; the list
        of names above is not."""
        above, separator, name = key.rpartition("\\")
        if not separator:
            return True
        names = self.subkeys(above)
        if names is None:
            return self._is_there(above)
        return fold(name) in map(fold, names)

    def _reg(self, words: Sequence[str], item: str, limit: int = LONGEST_ANSWER) -> CommandResult:
        try:
            return self._host.run(["reg", *words], deadline=DEADLINE, silence=DEADLINE, limit=limit)
        except (DeadlineExceeded, OutputTooLarge) as error:
            raise CommandFailed(
                f"reg {words[0]} did not come to its end: {error.message}",
                host=self._host.host,
                item=item,
                hint="Look for a reg.exe that hangs on the host.",
            ) from error

    def _refused(self, what: str, item: str, result: CommandResult) -> CommandFailed:
        return CommandFailed(
            f"{what}: {result.complaint or f'exit status {result.rc}'}",
            host=self._host.host,
            item=item,
            hint="The account must be an administrator of the host, and may be kept out of single keys.",
        )


_SHOWN_VALUE = re.compile(r"    (?P<name>\S.*?)    REG_[A-Z_]+(?:    (?P<data>.*))?\Z")


def _hive_file(folder: str) -> str:
    return f"{folder}\\NTUSER.DAT"
