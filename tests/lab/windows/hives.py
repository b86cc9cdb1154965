# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real registry hive files (REGF), such as a user's NTUSER.DAT, made from and turned into ``.reg`` text by hivex."""

from __future__ import annotations

import pathlib
import re
import struct
import subprocess
import tempfile
from collections.abc import Sequence

from lab.machine import PATH

_NOWHERE = 0xFFFFFFFF


def write_hive(path: pathlib.Path, text: str, prefix: str) -> None:
    r"""A new hive with what a ``.reg`` text says; its keys begin with a prefix like ``HKEY_USERS\S-1-5-21-...``."""
    path.write_bytes(_empty())
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "content.reg")
        lines = _with_parents(text.replace("\r\n", "\n").split("\n"), prefix)
        file.write_bytes("\n".join(map(_plain, lines)).encode())
        _run("--merge", "--prefix", prefix, str(path), str(file))


def read_hive(path: pathlib.Path, prefix: str) -> str:
    """All of a hive as ``.reg`` text, its keys below a prefix."""
    return "\n".join(map(_decoded, _run("--export", "--prefix", prefix, str(path), "\\").split(b"\n")))


def _plain(line: str) -> str:
    """A line without text values: hivexregedit writes each byte of their UTF-8 as a character."""
    found = re.fullmatch(r'(@|"(?:[^"\\]|\\.)*")="((?:[^"\\]|\\.)*)"', line)
    if not found:
        return line
    data = (re.sub(r"\\(.)", r"\1", found.group(2)) + "\0").encode("utf-16-le")
    return f"{found.group(1)}=hex(1):{data.hex(',')}"


def _decoded(line: bytes) -> str:
    """Names of keys are UTF-8 in its output, names of values Latin-1 wherever that holds them."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1")


def _with_parents(lines: Sequence[str], prefix: str) -> list[str]:
    """The lines, and one for every key that stands only as part of a longer path: hivexregedit demands them."""
    result: list[str] = []
    known = {prefix.lower()}
    for line in lines:
        if line.startswith("["):
            path = line[1:].rpartition("]")[0]
            parts = path.split("\\")
            for depth in range(1, len(parts)):
                parent = "\\".join(parts[:depth])
                if parent.lower().startswith(prefix.lower()) and parent.lower() not in known:
                    known.add(parent.lower())
                    result += [f"[{parent}]", ""]
            known.add(path.lower())
        result.append(line)
    return result


def _run(*arguments: str) -> bytes:
    done = subprocess.run(
        ["hivexregedit", *arguments], check=False, capture_output=True, env={"PATH": PATH, "LC_ALL": "C.UTF-8"}
    )
    if done.returncode != 0:
        raise RuntimeError(f"hivexregedit {arguments[0]}: {done.stderr.decode()}")
    return done.stdout


def _empty() -> bytes:
    """A hive with nothing but its root key: base block, one bin, the key, its security, the rest free."""
    security = struct.pack("<BBHIIII", 1, 0, 0x8000, 0, 0, 0, 0)
    name = b"ROOT"
    key = struct.pack("<2sHQIIIIIIIII", b"nk", 0x2C, 0, 0, 0, 0, 0, _NOWHERE, _NOWHERE, 0, _NOWHERE, 0x80)
    key += struct.pack("<IIIIIIHH", _NOWHERE, 0, 0, 0, 0, 0, len(name), 0) + name
    secure = struct.pack("<2sHIIII", b"sk", 0, 0x80, 0x80, 1, len(security)) + security
    cells = _cell(key, 0x60) + _cell(secure, 0x40)
    bins = struct.pack("<4sIIQQI", b"hbin", 0, 0x1000, 0, 0, 0) + cells
    free = 0x1000 - len(bins)
    bins += struct.pack("<i", free) + bytes(free - 4)
    base = struct.pack("<4sIIQIIIIIII", b"regf", 1, 1, 0, 1, 3, 0, 1, 0x20, 0x1000, 1)
    base = base.ljust(508, b"\0")
    checksum = 0
    for (word,) in struct.iter_unpack("<I", base):
        checksum ^= word
    return (base + struct.pack("<I", checksum)).ljust(0x1000, b"\0") + bins


def _cell(data: bytes, size: int) -> bytes:
    return struct.pack("<i", -size) + data.ljust(size - 4, b"\0")
