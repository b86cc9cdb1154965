# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

r"""Where UC Media Server writes its logs: ``logparams.txt`` in its folder names the target.

estos documents that the file names the folder, not how it is written. So every usual writing is understood:
``name = value``, ``name: value``, ``name value``, a path alone; quotes; ``#``, ``;`` and ``//`` for comments; absolute
paths, and relative ones, which are taken as relative to the folder of UC Media Server. A variable is not understood: it
is another one for each account. Nor is a folder that UC Media Server itself lies in, which holds more than logs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .windows_discovery import is_below, same_path

LOGPARAMS = "logparams.txt"

_COMMENT = re.compile(r"\s*(#|;|//)")
_ABSOLUTE = re.compile(r"[A-Za-z]:[\\/]")
_NAMED = re.compile(r"\s*(?P<name>[A-Za-z_][\w .-]*?)\s*(?:=|:(?![\\/])|\s(?=\S*[\\/.]))\s*(?P<value>.+?)\s*\Z")
_NAMES = re.compile(r"dir|path|folder|target|dest|file|log|ziel|pfad|verzeichnis|ordner", re.IGNORECASE)
_FOLDER_NAMES = re.compile(r"dir|path|folder|target|dest|ziel|pfad|verzeichnis|ordner", re.IGNORECASE)
_FILE = re.compile(r".*\.(log|txt|out|csv|trace?|gz|zip)\Z|.*%", re.IGNORECASE)
_NOT_IN_A_PATH = re.compile(r'[\0-\x1f<>"|?*]')
_NO_NAME = re.compile(r"(true|false|yes|no|on|off|\d+)\Z", re.IGNORECASE)


def log_folders(content: bytes, root: str) -> list[str]:
    """The folders that the file names, without repetition; empty when it names none.

    :param root: the folder of UC Media Server
    """
    folders: dict[str, str] = {}
    for line in _text(content).splitlines():
        for folder in _folders_of_line(line, root):
            folders.setdefault(folder.lower(), folder)
    return list(folders.values())


def _text(content: bytes) -> str:
    for bom, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig")):
        if content.startswith(bom):
            return content.decode(encoding, "replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _folders_of_line(line: str, root: str) -> Iterator[str]:
    if _COMMENT.match(line):
        return
    text = line.strip()
    named = None if _ABSOLUTE.match(_unquoted(text)) else _NAMED.match(text)
    name, value = (named["name"], named["value"]) if named else ("", text)
    value = _unquoted(value.strip())
    is_absolute = bool(_ABSOLUTE.match(value))
    if not value or _NOT_IN_A_PATH.search(value) or value.startswith(("\\\\", "//")):
        return
    if not is_absolute:
        looks_like_a_path = "\\" in value or "/" in value or value.startswith(".")
        if _NO_NAME.match(value) or not (
            (name and _FOLDER_NAMES.search(name)) or (looks_like_a_path and (not name or _NAMES.search(name)))
        ):
            return
    folder = _joined(root, value)
    if folder is not None:
        yield folder


def _joined(root: str, value: str) -> str | None:
    """The folder as an absolute path; of a file the one that it lies in. None when it leads out of the drive, hangs on
    a variable, or holds UC Media Server itself."""
    path = value.replace("/", "\\")
    parts = path.split("\\") if _ABSOLUTE.match(value) else [*root.split("\\"), *path.split("\\")]
    if any("%" in part for part in parts[:-1]):
        return None
    if _FILE.match(parts[-1]):
        parts = parts[:-1]
    clean: list[str] = []
    for part in parts:
        if part == "..":
            if len(clean) < 2:
                return None
            clean.pop()
        elif part not in ("", "."):
            clean.append(part)
    folder = "\\".join(clean)
    return folder if len(clean) > 1 and not same_path(root, folder) and not is_below(root, folder) else None


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] in "\"'":
        return value[1:].partition(value[0])[0]
    return value
