# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The registry of a stand-in Windows host, filled and read with Wine's own ``reg``, and stand-ins for what that lacks.

Wine has no ``reg load`` and ``reg unload``: :class:`HiveLoading` copies a real hive file's content into the registry
and back, which is all that a client can see of it.
"""

from __future__ import annotations

import contextlib
import pathlib
import secrets
from collections.abc import Callable, Iterator, Sequence

from lab.windows.hives import read_hive, write_hive
from lab.windows.shells import Answer
from lab.windows.wine import Wine, WineFailed

HEADER = "Windows Registry Editor Version 5.00"


class Registry:
    """Fill and read the registry from outside, beside every client."""

    def __init__(self, wine: Wine) -> None:
        self._wine = wine

    def merge(self, text: str) -> None:
        """Import ``.reg`` text; its first line may be missing."""
        if not text.startswith(HEADER):
            text = f"{HEADER}\n\n{text}"
        with self._file() as (windows, file):
            file.write_bytes(b"\xff\xfe" + text.replace("\r\n", "\n").replace("\n", "\r\n").encode("utf-16-le"))
            self._reg("import", windows)

    def set(self, key: str, **values: str | int | bytes | Sequence[str]) -> None:
        """Set values of a key: str is REG_SZ, int is REG_DWORD, bytes REG_BINARY, several strings REG_MULTI_SZ."""
        lines = [f'"{name}"={_written(value)}' for name, value in values.items()]
        self.merge("\n".join([f"[{key}]", *lines, ""]))

    def export(self, key: str) -> str:
        """A key and all below it as ``.reg`` text; empty when there is none."""
        with self._file() as (windows, file):
            if self._wine.run(["reg", "export", key, windows, "/y"]).returncode != 0:
                return ""
            return file.read_bytes().decode("utf-16")

    def delete(self, key: str) -> None:
        """Remove a key with all below it."""
        self._reg("delete", key, "/f")

    @contextlib.contextmanager
    def _file(self) -> Iterator[tuple[str, pathlib.Path]]:
        name = f"lab-{secrets.token_hex(6)}.reg"
        file = self._wine.drive_c / "windows" / "temp" / name
        try:
            yield rf"C:\windows\temp\{name}", file
        finally:
            file.unlink(missing_ok=True)

    def _reg(self, *words: str) -> None:
        done = self._wine.run(["reg", *words])
        if done.returncode != 0:
            raise WineFailed(f"reg {' '.join(words)}: {(done.stdout + done.stderr).decode('cp437')}")


class HiveLoading:
    """Stand-in for ``reg load`` and ``reg unload``. ``locate``: a path on Windows as one of the machine."""

    def __init__(self, registry: Registry, locate: Callable[[str], pathlib.Path]) -> None:
        self._registry = registry
        self._locate = locate
        self.in_use: set[pathlib.Path] = set()
        """Hives that somebody else has loaded, so that their files cannot be opened."""
        self.loaded: dict[str, pathlib.Path] = {}
        """What is loaded at the moment, by the upper-case name of its key."""

    def load(self, words: Sequence[str], _input: bytes) -> Answer:
        """``reg load KEY FILE``"""
        if len(words) != 4:
            return _error("Invalid syntax.")
        key, file = _long(words[2]), self._locate(words[3])
        if key.upper() in self.loaded or "\\" not in key:
            return _error("The parameter is incorrect.")
        if not file.is_file():
            return _error("The system cannot find the file specified.")
        if file in self.in_use or file in self.loaded.values():
            return _error("The process cannot access the file because it is being used by another process.")
        self._registry.merge(read_hive(file, key).replace(f"[{key}\\]", f"[{key}]"))
        self.loaded[key.upper()] = file
        return Answer(0, b"The operation completed successfully.\r\n")

    def unload(self, words: Sequence[str], _input: bytes) -> Answer:
        """``reg unload KEY``"""
        key = _long(words[2]) if len(words) == 3 else ""
        file = self.loaded.get(key.upper())
        if file is None:
            return _error("The parameter is incorrect.")
        text = self._registry.export(key).lstrip("\ufeff")
        if key not in text:
            return _error("Access is denied.")
        write_hive(file, text, key)
        self._registry.delete(key)
        del self.loaded[key.upper()]
        return Answer(0, b"The operation completed successfully.\r\n")


def _long(key: str) -> str:
    hive, slash, rest = key.partition("\\")
    names = {"HKLM": "HKEY_LOCAL_MACHINE", "HKU": "HKEY_USERS"}
    return f"{names.get(hive.upper(), hive)}{slash}{rest}"


def _error(text: str) -> Answer:
    return Answer(1, b"", f"ERROR: {text}\r\n".encode())


def _written(value: str | int | bytes | Sequence[str]) -> str:
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if isinstance(value, int):
        return f"dword:{value:08x}"
    if isinstance(value, bytes):
        return f"hex:{value.hex(',')}"
    return f"hex(7):{(chr(0).join([*value, '', '']) if value else chr(0)).encode('utf-16-le').hex(',')}"
