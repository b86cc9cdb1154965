# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A command that runs by WinRM: one thread fetches its outputs, another connection brings its input."""

from __future__ import annotations

import contextlib
import threading
import time

from .._errors import RecoveryError
from .process import Process
from .winrm_line import Line
from .winrm_lines import Lines

FETCHED_AHEAD = 1024 * 1024
"""Bytes of output that may wait for their reader before no more is fetched."""
CLEAN_UP = 5.0
"""Seconds for ending what is left on the host."""


class WinRmProcess(Process):
    """``line``: the connection that started the command, taken over; ``lines``: where others come from, and where they
    go. ``answer``: seconds in which the host has to take a piece of input."""

    def __init__(
        self,
        line: Line,
        shell: str,
        command: str,
        *,
        lines: Lines,
        input_ended: bool,
        answer: float,
    ) -> None:
        self._line = line
        self._ids = (shell, command)
        self._lines = lines
        self._answer = answer
        self._input: Line | None = None
        self._input_ended = input_ended
        self._changed = threading.Condition()
        self._pieces: dict[str, bytearray] = {"stdout": bytearray(), "stderr": bytearray()}
        self._error: RecoveryError | None = None
        self._code: int | None = None
        self._aborted = False
        self._cleaned = False
        self._pump = threading.Thread(target=self._fetch, name="ucops-winrm", daemon=True)
        self._pump.start()

    # --- outputs ------------------------------------------------------------------------------------------------------
    def read(self, size: int, timeout: float) -> bytes | None:
        return self._take("stdout", size, timeout)

    def read_errors(self, size: int, timeout: float) -> bytes | None:
        return self._take("stderr", size, timeout)

    def _take(self, name: str, size: int, timeout: float) -> bytes | None:
        waiting = self._pieces[name]
        with self._changed:
            self._changed.wait_for(lambda: waiting or self._over, timeout)
            if waiting:
                data = bytes(waiting[:size])
                del waiting[:size]
                self._changed.notify_all()
                return data
            if self._error is not None:
                raise self._error
            return b"" if self._over else None

    @property
    def _over(self) -> bool:
        return self._code is not None or self._error is not None or self._aborted

    def exit_status(self, timeout: float) -> int | None:
        with self._changed:
            self._changed.wait_for(lambda: self._over, timeout)
            if self._code is None and self._error is not None:
                raise self._error
            return -1 if self._code is None and self._aborted else self._code

    def _fetch(self) -> None:
        try:
            while self._room() and not self._fetch_once():
                pass
        except RecoveryError as error:
            with self._changed:
                self._error = error
                self._changed.notify_all()
            return
        if self._code is not None:
            self._terminate(self._line)

    def _room(self) -> bool:
        """Wait until what was fetched is nearly read. False when nobody wants more."""
        with self._changed:
            self._changed.wait_for(lambda: self._aborted or sum(map(len, self._pieces.values())) < FETCHED_AHEAD)
            return not self._aborted

    def _fetch_once(self) -> bool:
        """Fetch what there is. True when that was the last."""
        outputs = self._line.receive(*self._ids)
        if outputs is None:
            return False
        with self._changed:
            self._pieces["stdout"] += outputs.stdout
            self._pieces["stderr"] += outputs.stderr
            if outputs.done:
                self._code = outputs.code % 2**32
            self._changed.notify_all()
        return outputs.done

    # --- input --------------------------------------------------------------------------------------------------------
    def write(self, data: bytes, timeout: float) -> int:
        self._send(data, False)
        return len(data)

    def end_input(self) -> None:
        if not self._input_ended:
            self._input_ended = True
            with contextlib.suppress(OSError):
                self._send(b"", True)

    def _send(self, data: bytes, last: bool) -> None:
        if self._over:
            raise BrokenPipeError
        try:
            if self._input is None:
                self._input = self._lines.take()
            self._input.send(self._answer, *self._ids, data, last)
        except RecoveryError:
            # The command takes no more; how it ends is told by the other connection.
            raise BrokenPipeError from None

    # --- the end ------------------------------------------------------------------------------------------------------
    def abort(self) -> None:
        with self._changed:
            self._aborted = True
            self._changed.notify_all()
        if self._code is None:
            self._line.cut()
        if self._input is not None:
            self._input.cut()

    def release(self) -> None:
        until = time.monotonic() + CLEAN_UP
        self._pump.join(CLEAN_UP)
        if not self._cleaned:
            # The command's own connection is cut or broken.
            with contextlib.suppress(RecoveryError), self._lines.take() as other:
                self._terminate(other, max(1.0, until - time.monotonic()))
        for line in (self._line, self._input):
            if line is None:
                continue
            if line.is_quiet and not self._pump.is_alive():
                self._lines.give_back(line)
            else:
                line.cut()
                line.close()

    def _terminate(self, line: Line, patience: float = CLEAN_UP) -> None:
        with contextlib.suppress(Exception):
            line.terminate(patience, *self._ids)
            self._cleaned = True
