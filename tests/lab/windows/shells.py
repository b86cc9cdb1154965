# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The remote shells of a stand-in Windows host: what runs in them, in Wine, and what comes out.

As on Windows since 2012 R2, every command goes through ``cmd.exe /c``, whatever the client asks for.
"""

from __future__ import annotations

import base64
import contextlib
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO

from lab.windows.messages import SHELL, Fault, Request, aborted, no_shell, timed_out, too_many_shells
from lab.windows.wine import OUR_PROGRAMS, Wine, WineProcess
from lab.windows.words import NotOneCommand, split_words

MAX_SHELLS = 30
LONGEST_LINE = 8191
PIECE = 32768
HELD_BACK = 4 * PIECE
"""Bytes of output that wait for the client before the command is held up, as a pipe would."""


@dataclass(frozen=True)
class Answer:
    """What a program says and how it ends."""

    code: int = 0
    stdout: bytes = b""
    stderr: bytes = b""


Program = Callable[[Sequence[str], bytes], Answer]
"""A stand-in for a program that Wine has not: takes its words (the first is its name) and its input."""


class _Running:
    """One command: its outputs until the client fetches them, and its end."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.pieces: list[tuple[str, bytes]] = []
        self.code: int | None = None
        self.gone = False

    def put(self, name: str, data: bytes) -> None:
        with self.changed:
            self.changed.wait_for(lambda: self.gone or sum(len(one) for _name, one in self.pieces) < HELD_BACK)
            self.pieces.append((name, data))
            self.changed.notify_all()

    def end(self, code: int) -> None:
        with self.changed:
            self.code = code
            self.changed.notify_all()

    def take(self, limit: int, timeout: float) -> tuple[list[tuple[str, bytes]], int | None]:
        """What there is, at most so many bytes; the exit code when that was all. Raises Fault when there is nothing."""
        with self.changed:
            self.changed.wait_for(lambda: self.pieces or self.code is not None or self.gone, timeout)
            if self.gone:
                raise aborted()
            taken: list[tuple[str, bytes]] = []
            while self.pieces and sum(len(one) for _name, one in taken) + len(self.pieces[0][1]) <= limit:
                taken.append(self.pieces.pop(0))
            self.changed.notify_all()
            if not taken and self.code is None:
                raise timed_out()
            return taken, None if self.pieces else self.code

    def send(self, data: bytes, last: bool) -> None:
        raise NotImplementedError

    def terminate(self) -> None:
        with self.changed:
            self.gone = True
            self.changed.notify_all()


class _InWine(_Running):
    """A command that Wine runs."""

    def __init__(self, process: WineProcess, code_page: str) -> None:
        super().__init__()
        self._process = process
        self._code_page = code_page
        pipes: list[tuple[str, IO[bytes] | None]] = [
            ("stdout", process.process.stdout),
            ("stderr", process.process.stderr),
        ]
        self._pumps = [threading.Thread(target=self._pump, args=one, daemon=True) for one in pipes]
        for each in self._pumps:
            each.start()
        threading.Thread(target=self._await, daemon=True).start()

    def _pump(self, name: str, pipe: IO[bytes]) -> None:
        with contextlib.suppress(ValueError):
            while data := pipe.read1(PIECE):  # type: ignore[attr-defined]
                if self._code_page:
                    data = data.decode(self._code_page, "replace").encode()
                self.put(name, data)

    def _await(self) -> None:
        for each in self._pumps:
            each.join()
        self.end(self._process.wait())
        for pipe in (self._process.process.stdout, self._process.process.stderr, self._process.process.stdin):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()

    def send(self, data: bytes, last: bool) -> None:
        pipe = self._process.process.stdin
        try:
            if pipe is None or pipe.closed:
                raise OSError
            pipe.write(data)
            pipe.flush()
            if last:
                pipe.close()
        except (OSError, ValueError):
            raise Fault(109, "The pipe has been ended.") from None

    def terminate(self) -> None:
        super().terminate()
        self._process.kill()


class _ByStandIn(_Running):
    """A command that a stand-in answers, when its input is complete."""

    def __init__(self, program: Program, words: Sequence[str]) -> None:
        super().__init__()
        self._program = program
        self._words = words
        self._input = b""

    def send(self, data: bytes, last: bool) -> None:
        self._input += data
        if last:
            threading.Thread(target=self._answer, daemon=True).start()

    def _answer(self) -> None:
        try:
            answer = self._program(self._words, self._input)
        except Exception as error:  # it belongs into the test's story
            answer = Answer(1, b"", f"stand-in: {error!r}".encode())
        for name, data in (("stdout", answer.stdout), ("stderr", answer.stderr)):
            for at in range(0, len(data), PIECE):
                self.put(name, data[at : at + PIECE])
        self.end(answer.code)


@dataclass
class _Shell:
    variables: dict[str, str]
    folder: str | None
    unicode: bool
    running: dict[str, _Running] = field(default_factory=dict)


class Shells:
    """All shells of a host. ``programs``: stand-ins by the lower-case name of their program."""

    def __init__(self, wine: Wine, programs: Mapping[str, Program]) -> None:
        self._wine = wine
        self._programs = programs
        self._shells: dict[str, _Shell] = {}
        self._lock = threading.Lock()
        self.commands: list[str] = []
        """Every command line that came, in order."""

    @property
    def open(self) -> int:
        """How many shells there are."""
        return len(self._shells)

    @property
    def unfinished(self) -> int:
        """Commands that no client has ended."""
        return sum(len(shell.running) for shell in self._shells.values())

    def create(self, request: Request) -> str:
        """A new shell; its id."""
        with self._lock:
            if len(self._shells) >= MAX_SHELLS:
                raise too_many_shells(MAX_SHELLS)
            name = str(uuid.uuid4()).upper()
            self._shells[name] = _Shell(
                {one.get("Name", ""): one.text or "" for one in request.body.iter(f"{{{SHELL}}}Variable")},
                request.text("r:Shell/r:WorkingDirectory") or None,
                request.options.get("WINRS_CODEPAGE") == "65001",
            )
            return name

    def command(self, request: Request) -> str:
        """Start a command; its id."""
        shell = self._shell(request)
        arguments = [one.text or "" for one in request.body.iter(f"{{{SHELL}}}Arguments")]
        line = " ".join([request.text("r:CommandLine/r:Command"), *arguments])
        self.commands.append(line)
        whole = f"cmd.exe /c {line}"
        if len(whole) > LONGEST_LINE:
            raise Fault(206, "The filename or extension is too long.")
        running = self._standing_in(line) or _InWine(
            self._wine.start(whole, shell.variables, shell.folder), self._code_page(line) if shell.unicode else ""
        )
        name = str(uuid.uuid4()).upper()
        shell.running[name] = running
        return name

    def receive(self, request: Request) -> tuple[str, list[tuple[str, bytes]], int | None]:
        """Output of a command, as much as the answer may hold."""
        command = request.find("r:Receive/r:DesiredStream").get("CommandId", "")
        room = max(1024, (request.envelope - 4096) * 3 // 4 - PIECE // 8)
        return (command, *self._running(request, command).take(max(room, PIECE), request.timeout))

    def send(self, request: Request) -> None:
        """Give a command input."""
        stream = request.find("r:Send/r:Stream")
        running = self._running(request, stream.get("CommandId", ""))
        running.send(base64.b64decode(stream.text or ""), stream.get("End", "").lower() == "true")

    def signal(self, request: Request) -> None:
        """End a command and forget it."""
        running = self._shell(request).running.pop(request.find("r:Signal").get("CommandId", ""), None)
        if running is not None:
            running.terminate()

    def delete(self, request: Request) -> None:
        """End a shell and all that runs in it."""
        shell = self._shell(request)
        for running in list(shell.running.values()):
            running.terminate()
        del self._shells[request.shell]

    def forget(self) -> None:
        """Lose all shells, as a restart of the service does."""
        for shell in self._shells.values():
            for running in shell.running.values():
                running.terminate()
        self._shells.clear()

    def _shell(self, request: Request) -> _Shell:
        try:
            return self._shells[request.shell]
        except KeyError:
            raise no_shell(request.shell) from None

    def _running(self, request: Request, command: str) -> _Running:
        try:
            return self._shell(request).running[command]
        except KeyError:
            raise aborted() from None

    def _standing_in(self, line: str) -> _Running | None:
        name, words = _name(line), split_words(line)
        program = self._programs.get(" ".join([name, *words[1:2]]).lower()) or self._programs.get(name)
        return _ByStandIn(program, words) if program else None

    def _code_page(self, line: str) -> str:
        """What Wine writes to a pipe, whatever code page the shell has; empty when it is UTF-8."""
        name = _name(line)
        if any(place.endswith(f"\\{name}.exe") for place in OUR_PROGRAMS.values()):
            return ""
        return "cp437" if (self._wine.drive_c / "windows" / "system32" / f"{name}.exe").exists() else "cp1252"


def _name(line: str) -> str:
    try:
        words = split_words(line)
    except NotOneCommand as error:
        raise Fault(87, f"{error}; no test wants that.") from None
    return words[0].rpartition("\\")[2].lower().removesuffix(".exe") if words else ""
