# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two commands in one session on a host: the shell that ran the first waits for the words of the second.

A session costs a host a login shell and some processes more, and us three exchanges. So who knows which script comes
next says so (:meth:`.base.Transport.expect`), and the command before it is started with that script behind it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence

from .._errors import ConnectionLost
from .base import Argument, Become
from .process import Process
from .sudo import Launch

LONGEST_WORDS = 16 * 1024
"""Bytes of words for which a shell that reads them one by one is the quicker way."""
LONGEST_STATUS = 5
_STATUS = re.compile(rb" \d{1,3}\n")


class WaitingShell:
    """A shell that ran a command and waits for the words of ``launch.expected``."""

    def __init__(self, process: Process, launch: Launch) -> None:
        self._process = process
        self._launch = launch

    def fits(self, argv: Sequence[Argument], become: Become) -> bool:
        """Whether it is this command that was expected."""
        return (
            list(argv[:3]) == ["sh", "-c", self._launch.expected]
            and become == self._launch.become
            and _can_be_told(argv)
        )

    def begin(self, argv: Sequence[Argument], seconds: float) -> Process | None:
        """Let it run the command, which has begun then; None when the shell is gone or did not answer in time."""
        end = time.monotonic() + seconds
        lines = b"".join(b"=" + _raw(word) + b"\n" for word in argv[4:]) + b".\n"
        mark = self._launch.next_mark
        try:
            while lines:
                lines = lines[self._process.write(lines, _left(end)) :]
            for read in (self._process.read, self._process.read_errors):
                said = b""
                while len(said) < len(mark):
                    data = read(len(mark) - len(said), _left(end))
                    if not data:
                        raise TimeoutError
                    said += data
                if said != mark:
                    raise TimeoutError
        except (OSError, ConnectionLost):
            self.close()
            return None
        return self._process

    def close(self) -> None:
        """Let it go."""
        self._process.abort()


class FirstTurn(Process):
    """The first command, whose shell stays: its outputs end with a mark, not with the session.

    :param stays: is given the shell when the command came to its end
    """

    def __init__(self, process: Process, launch: Launch, stays: Callable[[WaitingShell], object]) -> None:
        self._process = process
        self._launch = launch
        self._stays = stays
        self._output = _UntilMark(launch.end_mark, _STATUS)
        self._errors = _UntilMark(launch.end_mark, re.compile(rb"\n"))
        self._began = False
        self._before = b""
        self._aborted = False

    def read(self, size: int, timeout: float) -> bytes | None:
        return self._output.read(self._process.read, size, timeout)

    def read_errors(self, size: int, timeout: float) -> bytes | None:
        data = self._errors.read(self._process.read_errors, size, timeout)
        if data and not self._began:
            said = self._before + data
            self._began = self._launch.mark in said
            self._before = said[-len(self._launch.mark) :]
        return data

    def write(self, data: bytes, timeout: float) -> int:
        return self._process.write(data, timeout)

    def end_input(self) -> None:
        # The command itself reads nothing; only sudo is to see the end, when it asks for what there is not.
        if self._launch.prompt is not None and not self._began:
            self._process.end_input()

    def exit_status(self, timeout: float) -> int | None:
        if self._output.ended:
            return int(self._output.ended)
        return self._process.exit_status(timeout)

    def abort(self) -> None:
        self._aborted = True
        self._process.abort()

    def release(self) -> None:
        if self._output.ended and self._errors.ended and not self._aborted:
            self._stays(WaitingShell(self._process, self._launch))
        else:
            self._process.release()


class _UntilMark:
    """An output up to the mark, which may come in pieces. ``ended``: what stands behind the mark on its line."""

    def __init__(self, mark: bytes, rest: re.Pattern[bytes]) -> None:
        self._mark = mark
        self._rest = rest
        self._held = b""
        self.ended = b""

    def read(self, read: Callable[[int, float], bytes | None], size: int, timeout: float) -> bytes | None:
        if self.ended:
            return b""
        data = read(size, timeout)
        if data is None:
            return None
        held, self._held = self._held + data, b""
        if not data:
            return held  # the session ended instead
        at = held.find(self._mark)
        behind = at + len(self._mark)
        found = self._rest.match(held, behind) if at >= 0 else None
        if found is not None:
            self.ended = found[0]
            return held[:at]
        if at < 0:
            at = len(held) - _overlap(held, self._mark)
        elif len(held) - behind > LONGEST_STATUS:
            at = len(held)  # somebody else's words
        self._held = held[at:]
        return held[:at] or None


def _overlap(held: bytes, mark: bytes) -> int:
    """How many bytes at the end may be the beginning of the mark."""
    return next((size for size in range(min(len(held), len(mark) - 1), 0, -1) if held.endswith(mark[:size])), 0)


def _can_be_told(argv: Sequence[Argument]) -> bool:
    words = [_raw(word) for word in argv[3:]]
    return sum(map(len, words)) <= LONGEST_WORDS and not any(b"\n" in word or b"\0" in word for word in words)


def _raw(word: Argument) -> bytes:
    return word if isinstance(word, bytes) else word.encode("utf-8", "surrogateescape")


def _left(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
