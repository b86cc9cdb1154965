# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A running command as a stream, whatever carries it: start mark, sudo dialogue, input, limits, deadlines.

Every transport brings a :class:`Process`; all that callers can rely on is written here once.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, replace

from .._errors import ConnectionLost, DeadlineExceeded, OutputTooLarge, RecoveryError
from .base import CommandResult, CommandStream, Input
from .sudo import Launch, refusal

READ_SIZE = 64 * 1024
WRITE_SIZE = 32 * 1024
NOISE_LIMIT = 64 * 1024
"""Bytes kept of what is said before the command begins."""
ERRORS_HEAD = 1024 * 1024
ERRORS_TAIL = 16 * 1024
"""Bytes of standard error that are kept from its beginning and from its end."""
AFTERGLOW = 3.0
"""Seconds. A command that has ended, but whose outputs are held open by something it left behind (a daemon), counts as
finished when nothing came for so long."""
TICK = 1.0
START_TICK = 0.05
"""Seconds after which a waiting thread looks around; the latter while the command has not begun."""


class Process(ABC):
    """A started command as a transport sees it. All calls but :meth:`abort` come from one thread each."""

    @abstractmethod
    def read(self, size: int, timeout: float) -> bytes | None:
        """Standard output; empty at its end, None when nothing came in time."""

    @abstractmethod
    def read_errors(self, size: int, timeout: float) -> bytes | None:
        """Standard error; like :meth:`read`."""

    @abstractmethod
    def write(self, data: bytes, timeout: float) -> int:
        """Give the command input; how many bytes it took. Raises OSError when it takes no more."""

    @abstractmethod
    def end_input(self) -> None:
        """The input is at its end. Never raises."""

    @abstractmethod
    def exit_status(self, timeout: float) -> int | None:
        """The exit status, -1 when killed by a signal, None when it has none yet. Raises ConnectionLost when it never
        will."""

    @abstractmethod
    def abort(self) -> None:
        """Cut it off; waiting calls return soon. May be called from any thread and more than once, never raises."""

    @abstractmethod
    def release(self) -> None:
        """Give back what it holds, when no thread uses it any more. Must not disturb what the command left running."""


@dataclass(frozen=True)
class Limits:
    """Seconds and bytes that a command may take; ``output`` None: any."""

    total: float
    silence: float
    output: int | None


class _Capped:
    """Keeps the beginning and the end of a stream of any length."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._tail = bytearray()
        self._dropped = 0

    def add(self, data: bytes) -> None:
        room = ERRORS_HEAD - len(self._head)
        self._head += data[:room]
        self._tail += data[room:] if room > 0 else data
        excess = len(self._tail) - ERRORS_TAIL
        if excess > 0:
            self._dropped += excess
            del self._tail[:excess]

    def value(self) -> bytes:
        mark = f"\n[... {self._dropped} bytes not kept ...]\n".encode() if self._dropped else b""
        return bytes(self._head) + mark + bytes(self._tail)


class ProcessStream(CommandStream):
    """The one implementation of :class:`CommandStream`. ``begun`` is called when the command has begun for certain."""

    def __init__(
        self,
        process: Process,
        launch: Launch,
        host: str,
        input: Input,
        password: str | None,
        limits: Limits,
        begun: Callable[[], None] = lambda: None,
    ) -> None:
        self._process = process
        self._launch = launch
        self._host = host
        self._password = password
        self._limits = limits
        self._tell_begun = begun
        self._begun = self._moved = time.monotonic()
        self._started = threading.Event()
        self._closing = threading.Event()
        self._asked = 0
        self._noise = bytearray()
        self._errors = _Capped()
        self._input_error: BaseException | None = None
        self._rc: int | None = None
        self._end_seen: float | None = None
        self._was_left_open = False
        self._taken = 0
        self._in_command = False
        self._output_ended = False
        self._released = False
        if not launch.mark:
            self._in_command = True
            self._started.set()
        self._threads = [threading.Thread(target=self._watch_errors, name="ucops-stderr", daemon=True)]
        self._no_input = input is None or input == b""
        if not self._no_input:
            source = (input,) if isinstance(input, bytes) else input
            self._threads.append(threading.Thread(target=self._feed, args=(source,), name="ucops-stdin", daemon=True))
        if self._no_input and launch.prompt is None:
            process.end_input()
        for thread in self._threads:
            thread.start()

    # --- the caller's side --------------------------------------------------------------------------------------------
    def chunks(self) -> Iterator[bytes]:
        pending = b""
        while not self._output_ended:
            data = self._next()
            if data == b"":
                self._output_ended = True
            elif self._in_command:
                yield self._count(data)
            else:
                pending += data
                at = pending.find(self._launch.mark)
                if at >= 0:
                    self._in_command = True
                    self._tell_begun()
                    rest = pending[at + len(self._launch.mark) :]
                    pending = b""
                    if rest:
                        yield self._count(rest)
                elif len(pending) > NOISE_LIMIT:
                    pending = pending[-NOISE_LIMIT // 2 :]
        self._conclude(pending)

    def finish(self) -> CommandResult:
        self._limits = replace(self._limits, output=None)
        for _chunk in self.chunks():
            pass
        rc = self._rc if self._rc is not None else -1
        return CommandResult(rc, b"", self._errors.value(), self._was_left_open)

    def close(self) -> None:
        if self._released:
            return
        self._closing.set()
        self._process.abort()
        self._release(5 * TICK)

    def _release(self, patience: float) -> None:
        for thread in self._threads:
            thread.join(patience)
        if not any(thread.is_alive() for thread in self._threads):
            self._released = True
            self._process.release()

    def _count(self, data: bytes) -> bytes:
        self._taken += len(data)
        if self._limits.output is not None and self._taken > self._limits.output:
            self.close()
            raise OutputTooLarge(
                f"The command wrote more than {self._limits.output} bytes and was cut off", host=self._host
            )
        return data

    def _next(self) -> bytes:
        """The next piece of output; empty at the end. Watches every limit while it waits."""
        self._moved = time.monotonic()  # silence is what we wait through, not what our reader takes its time for
        while True:
            try:
                data = self._process.read(READ_SIZE, min(TICK, self._patience()))
            except ConnectionLost:
                if self._input_error is None:
                    raise
                return b""  # we cut it off ourselves, for a reason that is told
            if data:
                self._moved = time.monotonic()
                return data
            if data is not None:
                return b""
            if self._input_error is not None:
                return b""
            if self._left_open():
                self._was_left_open = True
                return b""

    def _patience(self) -> float:
        """Seconds until the next deadline. Raises DeadlineExceeded when one has passed."""
        now = time.monotonic()
        total = self._begun + self._limits.total - now
        silence = self._moved + self._limits.silence - now
        if total <= 0:
            self.close()
            raise DeadlineExceeded(
                f"The command took longer than {self._limits.total:g} s and was cut off",
                host=self._host,
                hint="Raise the total timeout when that much time is normal.",
            )
        if silence <= 0:
            self.close()
            what = "Nothing moved" if self._started.is_set() else "The command did not begin"
            raise DeadlineExceeded(
                f"{what} for {self._limits.silence:g} s, the command was cut off",
                host=self._host,
                hint="Look at the host; raise the silence timeout when such a pause is normal.",
            )
        return min(total, silence)

    def _left_open(self) -> bool:
        """The command itself has ended, something that it left behind holds its outputs, and nothing comes any more.

        The time counts from when its end was seen: a command that said its last words right before it ended, after a
        long silence, is still read.
        """
        if self._end_seen is None and self._process.exit_status(0) is not None:
            self._end_seen = time.monotonic()
        return self._end_seen is not None and time.monotonic() - max(self._moved, self._end_seen) >= AFTERGLOW

    def _conclude(self, noise: bytes) -> None:
        """The output is at its end: learn how the command ended, raise what there is to raise."""
        if self._rc is None:
            if self._input_error is None:
                self._rc = self._await_exit()
            self._closing.set()
            self._release(AFTERGLOW)
        if self._input_error is not None:
            raise self._input_error
        if not self._in_command:
            raise self._refusal(noise)

    def _await_exit(self) -> int:
        while True:
            rc = self._process.exit_status(min(TICK, self._patience()))
            if rc is not None:
                return rc

    def _refusal(self, noise: bytes) -> RecoveryError:
        rc = self._rc if self._rc is not None else -1
        have = bool(self._password)
        return refusal(self._launch, bytes(self._noise) + b"\n" + noise, rc, self._asked, have, self._host)

    # --- threads ------------------------------------------------------------------------------------------------------
    def _watch_errors(self) -> None:
        try:
            while True:
                data = self._process.read_errors(READ_SIZE, TICK)
                if data:
                    self._moved = time.monotonic()
                    self._take_errors(data)
                elif data is not None or self._closing.is_set():
                    return
        except (OSError, ConnectionLost):
            return  # the reading side tells the story

    def _take_errors(self, data: bytes) -> None:
        if self._started.is_set():
            self._errors.add(data)
            return
        self._noise += data
        at = self._noise.find(self._launch.mark)
        if at >= 0:
            rest = bytes(self._noise[at + len(self._launch.mark) :])
            del self._noise[at:]
            self._errors.add(rest)
            self._started.set()
            if self._no_input and self._launch.prompt is not None:
                self._process.end_input()
        elif self._launch.prompt is not None:
            self._answer(self._noise.count(self._launch.prompt), self._launch.prompt)
        if len(self._noise) > NOISE_LIMIT:
            del self._noise[: len(self._noise) - NOISE_LIMIT // 2]

    def _answer(self, asked: int, prompt: bytes) -> None:
        if asked <= self._asked:
            return
        self._asked = asked
        if asked == 1 and self._password:
            secret = self._password.encode("utf-8", "surrogateescape") + b"\n"
            self._write(secret)
        else:
            self._process.end_input()

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view and not self._closing.is_set():
            taken = self._process.write(bytes(view[:WRITE_SIZE]), TICK)
            if taken:
                self._moved = time.monotonic()
                view = view[taken:]

    def _feed(self, source: Iterable[bytes]) -> None:
        while not self._started.wait(START_TICK):
            if self._closing.is_set():
                return
        iterator = iter(source)
        try:
            while not self._closing.is_set():
                try:
                    data = next(iterator, None)
                except BaseException as error:  # it belongs to the caller, whatever it is
                    self._input_error = error
                    self._process.abort()
                    return
                if data is None:
                    self._process.end_input()
                    return
                self._write(data)
        except OSError:
            return  # the command takes no more; its exit status tells why
        finally:
            if isinstance(iterator, Generator):
                iterator.close()
