# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Large files on disk: SQL dumps and audio, the same in every run, before and after a change inside of them."""

from __future__ import annotations

import os
import pathlib
import random
import shutil
from collections.abc import Iterator

from config_texts import FIRST_NAMES, LAST_NAMES, WORDS

DUMPS = 4
RECORDINGS = 16
CHANGED_PART = 0.02
SOURCE = "archive"
REGION = 512 * 1024
"""Bytes that are changed in one place."""

_TIME = 1_700_000_000
_WAV_RATE = 16000


def _rows(rng: random.Random, size: int) -> bytes:
    """About ``size`` bytes of call records, one a line."""
    parts = []
    length = 0
    number = rng.randrange(10**6, 10**7)
    moment = rng.randrange(0, 86400 * 365)
    while length < size:
        number += 1
        moment += rng.randrange(60)
        day, seconds = divmod(moment, 86400)
        row = (
            f"INSERT INTO `acc` VALUES ({number},'INVITE','as{rng.getrandbits(32):08x}','{rng.getrandbits(64):016x}"
            f"@10.0.{rng.randrange(4)}.10','200','OK','2026-{day // 31 % 12 + 1:02d}-{day % 31 + 1:02d} "
            f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}','+4930{rng.randrange(10**6, 10**7)}',"
            f"'{rng.randrange(100, 999)}','{rng.choice(FIRST_NAMES)} {rng.choice(LAST_NAMES)}',"
            f"'{rng.choice(WORDS)}','{rng.choice(WORDS)}',{rng.randrange(3600)},NULL,'ANSWERED','default','Local');\n"
        )
        parts.append(row)
        length += len(row)
    return "".join(parts).encode("utf-8")


def _loudness_tables() -> list[bytes]:
    """For several loudnesses, from a random byte to the upper byte of a sample."""
    tables = []
    for half in (1, 2, 6, 12, 24):
        tables.append(bytes((value * 2 * half // 256 - half) % 256 for value in range(256)))
    return tables


_TABLES = _loudness_tables()


def _audio(rng: random.Random, size: int) -> bytes:
    """``size`` bytes of 16 bit samples of changing loudness."""
    out = bytearray(size)
    step = _WAV_RATE * 2
    for start in range(0, size, step):
        count = min(step, size - start) // 2
        out[start : start + 2 * count : 2] = rng.randbytes(count)
        out[start + 1 : start + 1 + 2 * count : 2] = rng.randbytes(count).translate(rng.choice(_TABLES))
    return bytes(out)


def _wav_header(size: int) -> bytes:
    def number(value: int, length: int) -> bytes:
        return value.to_bytes(length, "little")

    form = number(1, 2) + number(1, 2) + number(_WAV_RATE, 4) + number(_WAV_RATE * 2, 4) + number(2, 2) + number(16, 2)
    return b"RIFF" + number(size + 36, 4) + b"WAVEfmt " + number(16, 4) + form + b"data" + number(size, 4)


def _state(place: int, version: int) -> int:
    """The last version up to this one in which a place was changed, 0 when it never was."""
    every = round(1 / CHANGED_PART)
    return next((number for number in range(version, 0, -1) if (place + 7 * number) % every == 0), 0)


def _write_dump(path: pathlib.Path, size: int, version: int, number: int) -> None:
    with path.open("wb") as stream:
        stream.write(b"-- MySQL dump 10.19  Distrib 10.11.6-MariaDB\nSET NAMES utf8mb4;\n")
        for place in range(size // REGION):
            state = _state(number * (size // REGION) + place, version)
            # other rows, and not the same number of bytes, so that all behind them moves
            stream.write(_rows(random.Random(f"dump {number} {place} {state}"), REGION + state % 2 * 1000))
        stream.write(b"-- Dump completed\n")


def _write_recording(path: pathlib.Path, size: int, version: int, number: int) -> None:
    with path.open("wb") as stream:
        stream.write(_wav_header(size // REGION * REGION))
        for place in range(size // REGION):
            state = _state(number * (size // REGION) + place, version)
            stream.write(_audio(random.Random(f"recording {number} {place} {state}"), REGION))


def _write_all(folder: pathlib.Path, size: int, version: int) -> None:
    """All files as they are in a version; ``size`` is that of all of them together."""
    inner = folder / SOURCE
    inner.mkdir(parents=True, exist_ok=True)
    for number in range(DUMPS):
        _write_dump(inner / f"kamailio-{number}.sql", size // 2 // DUMPS, version, number)
    for number in range(RECORDINGS):
        _write_recording(inner / f"recording-{number:02d}.wav", size // 2 // RECORDINGS, version, number)
    for path in inner.iterdir():
        os.utime(path, (_TIME + 3600 * version, _TIME + 3600 * version))


class LargeFiles:
    """Dumps and recordings of ``mebibytes`` together, half of each, in the one folder of ``path``."""

    def __init__(self, path: pathlib.Path, mebibytes: int) -> None:
        self.path = path
        self._versions = [path.with_name(f"{path.name}.{version}") for version in (0, 1)]
        self._mark = path.with_name(path.name + ".size")
        self._size = mebibytes * 1024 * 1024

    def ensure(self) -> None:
        """Write what is not there, and take back the change of an earlier run."""
        if not self._mark.exists() or self._mark.read_text() != str(self._size):
            self._mark.unlink(missing_ok=True)
            for folder in (self.path, *self._versions):
                shutil.rmtree(folder, ignore_errors=True)
            for version, folder in enumerate(self._versions):
                _write_all(folder, self._size, version)
            self._mark.write_text(str(self._size))
        self._show(0)

    def change(self, generation: int) -> None:
        """Change one in fifty bytes, in places spread over all files, as somebody who dumps and records anew."""
        if generation == 1:
            self._show(1)
        else:
            _write_all(self.path, self._size, generation)
            self._mark.unlink(missing_ok=True)

    def files(self) -> Iterator[pathlib.Path]:
        """Every file."""
        yield from sorted(path for path in self.path.rglob("*") if path.is_file())

    def _show(self, version: int) -> None:
        hidden = [folder for folder in self._versions if not folder.exists()]
        if hidden == [self._versions[version]] and self.path.exists():
            return
        if self.path.exists():
            self.path.rename(hidden[0])
        self._versions[version].rename(self.path)
