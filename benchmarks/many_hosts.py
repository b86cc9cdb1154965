# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet's configuration on disk: many hosts with 20 small files each, the same in every run, that can be changed."""

from __future__ import annotations

import json
import os
import pathlib
import random
import shutil
from collections.abc import Iterator

from config_texts import FIRST_NAMES, KINDS, LAST_NAMES, STREETS, WORDS, FileKind

FILE_SIZE = 9000
"""Bytes of a file on average."""

CHANGED_PART = 0.01
"""How many of the files one change touches."""

_TIME = 1_700_000_000
_HEX = "0123456789abcdef"
_SECRET = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


class _Values(dict):  # type: ignore[type-arg]
    """A host's constant values, and others that are drawn when they are asked for."""

    def __init__(self, rng: random.Random, host: int) -> None:
        super().__init__(
            ip=f"10.{host >> 8}.{host & 255}.10",
            public_ip=f"198.51.{host >> 8}.{host & 255}",
            domain=f"pbx{host:04d}.voice.example.org",
        )
        self.rng = rng

    def __missing__(self, key: str) -> str:
        rng = self.rng
        if key == "name":
            return f"{rng.choice(FIRST_NAMES)} {rng.choice(LAST_NAMES)}"
        if key == "mail":
            return f"{rng.choice(FIRST_NAMES)}.{rng.choice(LAST_NAMES)}".lower()
        if key == "secret":
            return "".join(rng.choices(_SECRET, k=16))
        if key == "peer":
            return f"10.{rng.randrange(200, 256)}.{rng.randrange(256)}.{rng.randrange(1, 255)}"
        if key == "phone":
            return f"+4930{rng.randrange(10**6, 10**7)}"
        if key == "mac":
            return "00:15:65:" + ":".join("".join(rng.choices(_HEX, k=2)) for _byte in range(3))
        if key == "street":
            return f"{rng.choice(STREETS)} {rng.randrange(1, 200)}"
        if key in ("word", "word2"):
            return rng.choice(WORDS)
        ranges = {"ext": (100, 9999), "number": (100, 9999), "digit": (1, 10)}
        return str(rng.randrange(*ranges[key]))


def _section(kind: FileKind, values: _Values) -> str:
    # within a section an extension is one and the same
    values["ext"] = values.__missing__("ext")
    return kind.section.format_map(values)


def host_file(kind: FileKind, host: int) -> bytes:
    """The content of one file of one host, as it is before any change."""
    host = 0 if kind.shared else host
    rng = random.Random(f"fleet {kind.path} {host}")
    values = _Values(rng, host)
    size = rng.randrange(FILE_SIZE * 2 // 3, FILE_SIZE * 4 // 3)
    parts = [kind.head.format_map(values)]
    length = len(parts[0])
    while length < size:
        parts.append(_section(kind, values))
        length += len(parts[-1])
    return "".join(parts).encode("utf-8")


def edited(kind: FileKind, content: bytes, rng: random.Random, host: int) -> bytes:
    """The file after somebody's work on it: a section more, a line less."""
    lines = content.decode("utf-8").splitlines(keepends=True)
    place = rng.randrange(len(lines) // 2, len(lines))
    del lines[rng.randrange(len(lines) // 2, len(lines))]
    lines.insert(place, _section(kind, _Values(rng, host)))
    return "".join(lines).encode("utf-8")


class ManyHosts:
    """Hosts as folders ``0000``, ``0001`` ... below ``path``."""

    def __init__(self, path: pathlib.Path, hosts: int) -> None:
        self.path = path
        self.hosts = [f"{number:04d}" for number in range(hosts)]
        self._state = path.with_name(path.name + ".state.json")

    def ensure(self) -> None:
        """Write what is not there, and take back changes of an earlier run."""
        state = json.loads(self._state.read_text()) if self._state.exists() else {"hosts": 0, "changed": []}
        for name in state["changed"]:
            host, path = name.split("/", 1)
            kind = next(kind for kind in KINDS if kind.path == path)
            self._write(name, host_file(kind, int(host)), 0)
        if state["hosts"] > len(self.hosts):
            shutil.rmtree(self.path)
            state["hosts"] = 0
        for host in self.hosts[state["hosts"] :]:
            for kind in KINDS:
                self._write(f"{host}/{kind.path}", host_file(kind, int(host)), 0)
        self._save([])

    def change(self, generation: int) -> None:
        """Edit one in a hundred of all files."""
        rng = random.Random(f"change {generation}")
        files = [(host, kind) for host in self.hosts for kind in KINDS]
        chosen = rng.sample(files, max(1, round(len(files) * CHANGED_PART)))
        known = json.loads(self._state.read_text())["changed"]
        self._save(sorted({*known, *(f"{host}/{kind.path}" for host, kind in chosen)}))
        for host, kind in chosen:
            name = f"{host}/{kind.path}"
            self._write(name, edited(kind, (self.path / name).read_bytes(), rng, int(host)), generation)

    def files(self) -> Iterator[pathlib.Path]:
        """Every file."""
        for host in self.hosts:
            for kind in KINDS:
                yield self.path / host / kind.path

    def _write(self, name: str, content: bytes, generation: int) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        moment = _TIME + 3600 * generation
        os.utime(path, (moment, moment))

    def _save(self, changed: list[str]) -> None:
        self._state.write_text(json.dumps({"hosts": len(self.hosts), "changed": changed}))
