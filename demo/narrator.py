# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the demo speaks: steps with a title, what was done, what it means, how long it took. No secret gets past it."""

from __future__ import annotations

import contextlib
import textwrap
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import TextIO

WIDTH = 120
_BOLD, _DIM, _RED, _GREEN, _CYAN = "1", "2", "31", "32", "36"
_DIFF_COLOURS = (("+++", _BOLD), ("---", _BOLD), ("@@", _CYAN), ("+", _GREEN), ("-", _RED))


class Narrator:
    """Prints to ``stream``, in colour on a terminal unless NO_COLOR is set."""

    def __init__(self, stream: TextIO, environment: Mapping[str, str]) -> None:
        self._stream = stream
        self._colour = stream.isatty() and not environment.get("NO_COLOR")
        self._secrets: set[str] = set()
        self._step = 0
        self.withheld = 0
        self.lines = 0

    def keep_secret(self, values: Iterable[str]) -> None:
        """Never print any of these, whoever asks for it."""
        self._secrets.update(value for value in values if value)

    @property
    def secret_count(self) -> int:
        """How many different secrets are watched for."""
        return len(self._secrets)

    def _print(self, text: str, colour: str | None = None) -> None:
        for secret in self._secrets:
            if secret in text:
                self.withheld += 1
                text = text.replace(secret, "[withheld by the demo]")
        self.lines += text.count("\n") + 1
        self._stream.write(f"\033[{colour}m{text}\033[0m\n" if colour and self._colour and text else f"{text}\n")
        self._stream.flush()

    def title(self, text: str) -> None:
        """The first line."""
        self._print(text, _BOLD)

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[None]:
        """One numbered step; its time is printed when it is done."""
        self._step += 1
        self._print("")
        self._print(f"{self._step:2} {title}", _BOLD)
        started = time.monotonic()
        yield
        self._print(f"   {time.monotonic() - started:.1f} s", _DIM)

    def say(self, text: str) -> None:
        """A paragraph, wrapped."""
        for line in textwrap.wrap(" ".join(text.split()), WIDTH - 3, break_long_words=False, break_on_hyphens=False):
            self._print(f"   {line}")

    def command(self, text: str) -> None:
        """A command as the operator types it."""
        self._print(f"   $ {text}", _CYAN)

    def table(self, rows: Iterable[Iterable[object]]) -> None:
        """Rows of cells, aligned; what does not fit is wrapped within the last column."""
        cells = [[str(cell) for cell in row] for row in rows]
        columns = max(map(len, cells), default=0)
        widths = [max(len(row[i]) for row in cells if i < len(row)) for i in range(columns)]
        room = max(WIDTH - 5 - sum(widths[:-1]) - 2 * (columns - 1), 20)
        for row in cells:
            *first, last = row + [""] * (columns - len(row))
            head = "".join(f"{cell.ljust(width)}  " for cell, width in zip(first, widths))
            lines = textwrap.wrap(last, room, break_long_words=False, break_on_hyphens=False) or [""]
            for line in lines:
                self._print(f"     {head}{line}".rstrip())
                head = " " * len(head)

    def diff(self, text: str) -> None:
        """A unified difference."""
        for line in text.rstrip("\n").split("\n"):
            colour = next((colour for prefix, colour in _DIFF_COLOURS if line.startswith(prefix)), None)
            self._print(f"     {line}", colour)

    def verbatim(self, text: str) -> None:
        """Text as it is."""
        for line in text.rstrip("\n").split("\n"):
            self._print(f"     {line}")

    def good(self, text: str) -> None:
        """What went well."""
        self._print(f"   ok  {text}", _GREEN)

    def bad(self, text: str) -> None:
        """What did not."""
        self._print(f"   !!  {text}", _RED)
