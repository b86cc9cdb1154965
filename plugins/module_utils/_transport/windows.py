# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One Windows host: commands through one client, bytes through another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .._errors import OptionInvalid
from .base import Argument, Become, CommandStream, FileStatus, Input, Transport
from .windows_files import WindowsFile, WindowsFiles


class WindowsCommands(Transport):
    """Runs commands on a Windows host. Words are quoted as CreateProcess splits them; no shell sees them."""


class WindowsTransport(Transport):
    r"""Commands and files of one Windows host.

    Entries of Windows files are named ``/C:/Program Files/...``: see :func:`entry_path` and :func:`windows_path`.
    """

    only_looks: bool = False
    """Nothing may be written on the host, not even a file in passing."""

    def __init__(self, commands: WindowsCommands, files: WindowsFiles) -> None:
        self.host = commands.host
        self.commands = commands
        self.files = files

    def open(
        self,
        argv: Sequence[Argument],
        *,
        input: Input = None,
        become: Become = False,
        deadline: float | None = None,
        silence: float | None = None,
        limit: int | None = None,
    ) -> CommandStream:
        return self.commands.open(argv, input=input, become=become, deadline=deadline, silence=silence, limit=limit)

    def read_file(self, path: bytes) -> Iterator[bytes]:
        return self.files.read(windows_path(path))

    def list_dir(self, path: bytes) -> list[FileStatus]:
        return [_status(one) for one in self.files.list_folder(windows_path(path))]

    def free_space(self, path: str) -> int | None:
        try:
            return self.files.free_space(path)
        except OSError:
            return None

    def close(self) -> None:
        self.files.close()
        self.commands.close()


def windows(transport: Transport) -> WindowsTransport:
    """The transport, when it leads to a Windows host. Raises OptionInvalid."""
    if not isinstance(transport, WindowsTransport):
        raise OptionInvalid("This is only known of Windows hosts", host=transport.host)
    return transport


def entry_path(path: str) -> bytes:
    r"""``C:\Program Files\x`` as the path of an entry, ``/C:/Program Files/x``."""
    return b"/" + path.replace("\\", "/").encode("utf-8", "surrogatepass")


def windows_path(path: bytes) -> str:
    """The reverse of :func:`entry_path`."""
    return path[1:].replace(b"/", b"\\").decode("utf-8", "surrogatepass")


def _status(one: WindowsFile) -> FileStatus:
    kind = "symlink" if one.kind == "link" else one.kind
    return FileStatus(
        one.name.encode("utf-8", "surrogatepass"), kind, one.size, 0, 0, 0, one.written_ns // 1_000_000_000
    )
