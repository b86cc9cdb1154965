# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a command says, kept as a record."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from .._compare.normalise import for_command
from .._entries import Entry, Gathered, ItemReport
from .._errors import OptionInvalid
from .._transport.base import OUTPUT_LIMIT, Argument, CommandStream, Transport
from .base import Item, LineNormaliser

NOT_FOUND = 127


@dataclass
class CommandOutput(Item):
    """The output of a command, as an entry of kind ``output`` and path ``/@command/<item>``.

    ``sentinel``: bytes that must stand in the last lines, without which the output counts as cut. ``accepted``: exit
    statuses that are fine; the exit status itself is in ``report.notes["rc"]``. ``limit``: bytes, what is more is cut
    and a problem. A program that is not installed is ``found`` False.
    """

    restorable: bool = False
    argv: Sequence[Argument] = ()
    sentinel: bytes | None = None
    limit: int = OUTPUT_LIMIT
    accepted: Collection[int] = (0,)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.argv:
            raise OptionInvalid("There is no command", item=self.name)

    @property
    def path(self) -> bytes:
        """The path of its one entry."""
        return b"/@command/" + self.name.encode("utf-8")

    def covers(self, path: bytes) -> bool:
        return path == self.path

    def normaliser(self, entry: Entry) -> LineNormaliser | None:
        return for_command(self.argv)

    def gather(self, transport: Transport, report: ItemReport) -> Iterator[Gathered]:
        with transport.open(self.argv, become=self.become) as stream:
            chunks = stream.chunks()
            first = next(chunks, b"")
            if not first:
                rc = stream.finish().rc
                report.notes["rc"] = rc
                if rc == NOT_FOUND:
                    report.found = False
                    return
            entry = Entry(
                item=self.name,
                data_class=self.data_class,
                kind="output",
                path=self.path,
                sensitive=self.sensitive,
            )
            yield entry, self._content(first, chunks, stream, report)

    def _content(
        self, first: bytes, chunks: Iterator[bytes], stream: CommandStream, report: ItemReport
    ) -> Iterator[bytes]:
        taken = 0
        tail = b""
        data: bytes | None = first
        while data:
            data = data[: self.limit - taken]
            taken += len(data)
            tail = (tail + data)[-SENTINEL_WITHIN:]
            yield data
            if taken == self.limit:
                report.problem(self.path, f"wrote more than {self.limit} bytes, the rest was cut off")
                return
            data = next(chunks, None)
        result = stream.finish()
        report.notes["rc"] = result.rc
        if result.rc not in self.accepted:
            said = f" ({result.complaint})" if result.complaint else ""
            report.problem(self.path, f"the command ended with exit status {result.rc}{said}")
        if result.left_open:
            report.problem(self.path, "something that it left behind holds its output, which may go on")
        if self.sentinel is not None and self.sentinel not in tail:
            report.problem(self.path, "the output ends before its end")


SENTINEL_WITHIN = 4096
"""Bytes before the end of the output in which its sentinel must stand."""
