# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files read over SMB: large ones with many requests on their way, small ones many at a time with one compound each."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from . import smb_messages as smb
from .smb_channel import Answer, Ticket
from .smb_messages import Facts, Message
from .smb_share import Share
from .smb_status import BUFFER_OVERFLOW, END_OF_FILE, SUCCESS, file_error
from .smb_way import DIRECTORY, NEVER_FOLLOW, REPARSE, SURROGATE, Way, open_to_look
from .windows_files import Taken, WindowsFile

PIECE = 2**20
"""Bytes that one READ asks for."""
ON_THE_WAY = 8 * 2**20
"""Bytes of one large file that are asked for ahead."""
SMALL = 128 * 1024
"""Bytes up to which a file is opened, read and closed in one compound."""
SWARM = 48
"""Small files that are on their way at a time."""
SWARM_BYTES = 4 * 2**20

READING = smb.READ_DATA | smb.READ_ATTRIBUTES | smb.READ_CONTROL | smb.SYNCHRONIZE


def windows_file(name: str, facts: Facts, tag: int | None = None) -> WindowsFile:
    """What was found, in our words. A reparse point whose tag is no surrogate (deduplicated, in a cloud) is what it
    seems to be; without a tag every reparse point is a link."""
    kind = "directory" if facts.attributes & DIRECTORY else "file"
    if facts.attributes & REPARSE and (tag is None or tag & SURROGATE):
        kind = "link"
    size = facts.size if kind == "file" else 0
    return WindowsFile(name, kind, size, facts.attributes, facts.created, facts.written)


def open_to_read(inner: str, file: WindowsFile | None, moment: int | None) -> Message:
    """Open a file for reading, without hindering anybody. Only what is known to be no link is opened through its
    reparse point."""
    through = file is not None and file.kind != "link" and file.attributes & REPARSE
    options = smb.BACKUP_INTENT if through else NEVER_FOLLOW
    return smb.create(inner, READING, options=options | smb.SEQUENTIAL, moment=moment)


@dataclass
class OpenFile:
    """A file that is open for reading."""

    share: Share
    path: str
    handle: bytes
    facts: Facts
    closed: bool = False

    def pieces(self, start: int = 0) -> Iterator[bytes]:
        """What it held when it was opened, from a byte on, in order; it may be shorter by now, then this ends early."""
        deadline = self.share.deadline()
        piece = min(PIECE, self.share.login.largest_read)
        waiting: deque[tuple[Ticket, int]] = deque()
        asked = start
        try:
            while asked < self.facts.size or waiting:
                while asked < self.facts.size and len(waiting) * piece < ON_THE_WAY:
                    length = min(piece, self.facts.size - asked)
                    waiting.append((self.share.submit([smb.read(length, asked, self.handle)]), length))
                    asked += length
                ticket, length = waiting.popleft()
                answer = self.share.collect(ticket, deadline)[0]
                if answer.status == END_OF_FILE:
                    return
                if answer.status != SUCCESS:
                    raise file_error(answer.status, self.path)
                data = bytes(smb.data_of(answer.message)[:length])
                yield data
                if len(data) < length:
                    return  # what follows would stand in the wrong place
        finally:
            for ticket, _length in waiting:
                self.share.forget(ticket)

    def close(self) -> Facts | None:
        """Close it; returns what it is by now, None when it was closed before."""
        if self.closed:
            return None
        self.closed = True
        answer = self.share.exchange(smb.close(self.handle))[0]
        return smb.closed(answer.body) if answer.status == SUCCESS else None

    def drop(self) -> None:
        """Close it without waiting for anything."""
        if not self.closed:
            self.closed = True
            self.share.let_close(self.handle)


class Swarm:
    """Many names of one folder, in order, as :meth:`WindowsFiles.take` gives them."""

    def __init__(self, share: Share, inner: str, path: str, moment: int | None) -> None:
        self._share = share
        self._small_size = min(SMALL, share.login.largest_read)
        self._inner = inner
        self._path = path
        self._moment = moment
        self._waiting: deque[tuple[WindowsFile, Ticket | None]] = deque()
        self._bytes = 0

    def take(self, files: Sequence[WindowsFile], way: Way) -> Iterator[Taken]:
        """Everything about these names, when the way to their folder is no link: both are asked for at once."""
        coming = iter(files)
        following = next(coming, None)
        try:
            while following is not None or self._waiting:
                while following is not None and len(self._waiting) < SWARM and self._bytes < SWARM_BYTES:
                    self._send(following)
                    following = next(coming, None)
                way.check()
                file, ticket = self._waiting.popleft()
                if ticket is None:
                    yield from self._large(file)
                    continue
                self._bytes -= file.size
                yield from self._small(file, self._share.collect(ticket))
            way.check()
        finally:
            for _file, ticket in self._waiting:
                if ticket is not None:
                    self._share.forget(ticket)

    def _send(self, file: WindowsFile) -> None:
        if file.kind == "file" and file.size > self._small_size:
            self._waiting.append((file, None))
            return
        inner = f"{self._inner}\\{file.name}" if self._inner else file.name
        if file.kind == "file":
            opening = open_to_read(inner, file, self._moment)
            more = [smb.read(file.size, 0)] if file.size else []
        else:
            opening = open_to_look(inner, self._moment)
            more = [smb.control(smb.GET_REPARSE_POINT, b"", smb.UNIT)] if file.kind == "link" else []
        messages = [opening, smb.query_security(), smb.query_streams(), *more, smb.close()]
        self._waiting.append((file, self._share.submit(messages)))
        self._bytes += file.size

    def _small(self, listed: WindowsFile, answers: Sequence[Answer]) -> Iterator[Taken]:
        path = f"{self._path}\\{listed.name}"
        opened, security, streams, more, closed = answers[0], answers[1], answers[2], answers[3:-1], answers[-1]
        if opened.status != SUCCESS:
            yield Taken(listed.name, error=file_error(opened.status, path))
            return
        handle, facts = smb.created(opened.body)
        if closed.status != SUCCESS:
            self._share.let_close(handle)
        tag = None if listed.kind == "link" else 0
        file = windows_file(listed.name, facts, tag if not facts.attributes & REPARSE else self._tag(listed))
        if file.kind != listed.kind or (file.kind == "file" and file.size != listed.size):
            # it is another one than was listed a moment ago
            if file.kind == "file":
                yield from self._large(file)
            else:
                yield Taken(listed.name, error=OSError(0, "became something else while the folder was read", path))
            return
        needed = (security, *more)
        failed = next((answer.status for answer in needed if answer.status not in (SUCCESS, END_OF_FILE)), SUCCESS)
        if failed != SUCCESS:
            yield Taken(listed.name, file=file, error=file_error(failed, path))
            return
        taken = Taken(listed.name, file, security=smb.answer_of(security.message), streams=_streams(streams))
        after = smb.closed(closed.body)
        taken.after = windows_file(listed.name, after, 0 if file.kind != "link" else None) if after else file
        if file.kind == "link":
            taken.link = smb.output_of(more[0].message)
        elif file.kind == "file" and more and more[0].status == SUCCESS:
            taken.content = (bytes(smb.data_of(more[0].message)),)
        yield taken

    @staticmethod
    def _tag(listed: WindowsFile) -> int | None:
        """What the folder said of a reparse point that is no link; one that became one since counts as a link."""
        return 0 if listed.attributes & REPARSE and listed.kind != "link" else None

    def _large(self, listed: WindowsFile) -> Iterator[Taken]:
        path = f"{self._path}\\{listed.name}"
        inner = f"{self._inner}\\{listed.name}" if self._inner else listed.name
        opening = open_to_read(inner, listed, self._moment)
        opened, security, streams = self._share.exchange(opening, smb.query_security(), smb.query_streams())
        if opened.status != SUCCESS:
            yield Taken(listed.name, error=file_error(opened.status, path))
            return
        handle, facts = smb.created(opened.body)
        reading = OpenFile(self._share, path, handle, facts)
        try:
            file = windows_file(listed.name, facts, self._tag(listed) if facts.attributes & REPARSE else 0)
            if security.status != SUCCESS or file.kind != "file":
                error = file_error(security.status, path) if security.status else OSError(0, "is a link now", path)
                yield Taken(listed.name, error=error)
                return
            taken = Taken(listed.name, file, security=smb.answer_of(security.message), streams=_streams(streams))
            taken.content = self._content(reading, taken)
            yield taken
        finally:
            reading.drop()

    @staticmethod
    def _content(reading: OpenFile, taken: Taken) -> Iterator[bytes]:
        yield from reading.pieces()
        after = reading.close()
        taken.after = windows_file(taken.name, after, 0) if after else None


def _streams(answer: Answer) -> list[str]:
    """Streams beside the content; none where the file system does not know such things."""
    return smb.streams_of(smb.answer_of(answer.message)) if answer.status in (SUCCESS, BUFFER_OVERFLOW) else []
