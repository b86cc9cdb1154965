# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looks for planted secrets while hosts work: in what processes read and write, and how they are started."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import os
import pathlib
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence

from lab.host import Host
from lab.watch import daemon_outside, recording

_CALL = re.compile(r"\d+\s+(?:<\.\.\. )?([a-z0-9_]+)(?: resumed>|\()(?:-?\d+<([^>]*)>)?")
_CALLS = (
    *("execve", "execveat", "read", "readv", "pread64", "preadv", "preadv2", "recvfrom", "recvmsg", "recvmmsg"),
    *("write", "writev", "pwrite64", "pwritev", "pwritev2", "sendto", "sendmsg", "sendmmsg", "setxattr", "prctl"),
    *(
        "openat",
        "creat",
        "mkdir",
        "mkdirat",
        "rename",
        "renameat",
        "renameat2",
        "link",
        "linkat",
        "symlink",
        "symlinkat",
    ),
)
"""All that carries content or makes a name; to write down every look at a file too would take twice the time."""
_WRITING = ("write", "writev", "pwrite64", "pwritev", "pwritev2", "sendfile", "copy_file_range", "splice")


@dataclasses.dataclass(frozen=True)
class Planted:
    """Something that is looked for, with a name that may be shown. At least 12 bytes."""

    name: str
    value: bytes

    @classmethod
    def of(cls, **values: str | bytes) -> tuple[Planted, ...]:
        """Several, by name."""
        return tuple(cls(name, value.encode() if isinstance(value, str) else value) for name, value in values.items())

    def forms(self) -> set[bytes]:
        """Bytes of which some occur in whatever holds the value: plain, in base64, in hexadecimal.

        Each half of the value is looked for: one reading may end in the middle of it, and the next goes on there.
        """
        return {*self._halves(), *self.encoded()}

    def encoded(self) -> set[bytes]:
        """The forms that are not plain."""
        hexadecimal = {half.hex().encode() for half in self._halves()}
        base_64 = {form for half in self._halves() for form in _base64_of(half)}
        return hexadecimal | {form.upper() for form in hexadecimal} | base_64

    def _halves(self) -> tuple[bytes, bytes]:
        middle = len(self.value) // 2
        return self.value[:middle], self.value[middle:]

    def within(self, data: bytes) -> bool:
        """Whether some of it is in there."""
        return any(form in data for form in self.forms())

    def within_calls(self, text: bytes) -> bool:
        """Whether some of it is in what strace wrote down."""
        return any(form in text or _as_strace_writes(form) in text for form in self.forms())


def _base64_of(part: bytes) -> Iterator[bytes]:
    """How the bytes look in the base64 of something longer, whatever stands around them."""
    for shift in range(3):
        text = base64.b64encode(bytes(shift) + part)
        yield text[-(-shift * 8 // 6) : (shift + len(part)) * 8 // 6]


def _as_strace_writes(form: bytes) -> bytes:
    """A string that is not all printable is written in hexadecimal."""
    return "".join(f"\\x{byte:02x}" for byte in form).encode()


def found_in(data: bytes, planted: Iterable[Planted]) -> list[str]:
    """The names of what is in some bytes."""
    return [one.name for one in planted if one.within(data)]


# --- system calls -----------------------------------------------------------------------------------------------------
@dataclasses.dataclass(frozen=True)
class Hit:
    """A system call with something planted in what it read, wrote or started. ``file``: the path behind its number."""

    name: str
    call: str
    file: str

    @property
    def starts_a_program(self) -> bool:
        """It stood on a command line or in an environment."""
        return self.call in ("execve", "execveat")

    @property
    def writes_a_file(self) -> bool:
        """It went into a file of a name: no pipe, no socket, no terminal."""
        return self.call in _WRITING and self.file.startswith("/") and not self.file.startswith("/dev/")


@contextlib.contextmanager
def in_calls(
    host: Host, planted: Sequence[Planted], folder: pathlib.Path, process: str = "sshd"
) -> Iterator[list[Hit]]:
    """Search the system calls of a daemon and of all that it starts inside the block; the list fills at its end.

    Connections that were made before are not seen.
    """
    sought, found = folder / f"{host.name}.sought", folder / f"{host.name}.found"
    forms = set().union(*(one.forms() for one in planted))
    printable = {form for form in forms if form.isascii() and form.decode("ascii").isprintable()}
    sought.write_bytes(b"".join(form + b"\n" for form in printable | {_as_strace_writes(form) for form in forms}))
    outside = daemon_outside(host, process)
    filtered = f"|LC_ALL=C grep -aFf {sought} >{found}"
    shown = ["-f", "-v", "-x", "-y", "-s", "1048576", "-e", f"trace={','.join(_CALLS)}"]
    command = ["strace", *shown, "-o", filtered, "-p", str(outside)]
    hits: list[Hit] = []
    with recording(command, "attached"):
        yield hits
    for line in found.read_bytes().splitlines():
        call = _CALL.match(line.decode("utf-8", "replace"))
        name, file = (call[1], call[2] or "") if call else ("", "")
        hits += [Hit(one.name, name, file) for one in planted if one.within_calls(line)]


# --- process lists ----------------------------------------------------------------------------------------------------
class ProcessLists(threading.Thread):
    """Reads the command lines and environments of everything on some hosts, again and again inside its block.

    ``found`` has host, "cmdline" or "environ", and the name of what was in it; ``seen`` counts the processes.
    """

    def __init__(self, hosts: Sequence[Host], planted: Sequence[Planted], pause: float = 0.02) -> None:
        super().__init__(daemon=True)
        self._forms = [(one.name, form) for one in planted for form in one.forms()]
        self._spaces = {os.readlink(f"/proc/{host.pid}/ns/pid"): host.name for host in hosts}
        self._known: dict[str, str] = {}
        self._pause = pause
        self._ended = threading.Event()
        self.found: set[tuple[str, str, str]] = set()
        self.seen: Mapping[str, set[str]] = {host.name: set() for host in hosts}

    def __enter__(self) -> ProcessLists:
        self.start()
        return self

    def __exit__(self, *_unused: object) -> None:
        self._ended.set()
        self.join()

    def run(self) -> None:
        """Until the block ends."""
        while not self._ended.wait(self._pause):
            for number in filter(str.isdigit, os.listdir("/proc")):
                with contextlib.suppress(OSError):
                    self._look(number)

    def _look(self, number: str) -> None:
        if number not in self._known:
            self._known[number] = self._spaces.get(os.readlink(f"/proc/{number}/ns/pid"), "")
        host = self._known[number]
        if not host:
            return
        self.seen[host].add(number)
        for kind in ("cmdline", "environ"):
            with open(f"/proc/{number}/{kind}", "rb") as stream:
                data = stream.read()
            self.found |= {(host, kind, name) for name, form in self._forms if form in data}
