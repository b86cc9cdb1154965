# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The export of EJBCA's configuration, as its REST interface gives it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .._compare.configdump import LARGEST, normal, objects
from .._compare.json_document import JsonRefused, WholeDocument, parse
from .._entries import Entry, Gathered, ItemReport
from .._transport.base import Transport
from .._transport.http import Download
from .base import Item, LineNormaliser
from .ejbca import answered, ejbca

PATH = b"/@ejbca/configdump.json"


@dataclass
class ConfigDump(Item):
    """One document, kept byte for byte as it came.

    ``address``: the path of the interface. ``query``: what is asked for. ``largest``: bytes that are taken. The
    document is complete when its JSON is: what ends before its end, is a report of errors, or holds no object is a
    problem of the generation.
    """

    address: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    largest: int = LARGEST
    restorable: bool = False

    def covers(self, path: bytes) -> bool:
        return path == PATH

    def normaliser(self, entry: Entry) -> LineNormaliser | None:
        return WholeDocument(self.largest, normal)

    def gather(self, transport: Transport, report: ItemReport) -> Iterator[Gathered]:
        host = ejbca(transport)
        with host.download("GET", self.address, query=self.query) as download:
            answered(download, host.host)
            yield (
                Entry(self.name, self.data_class, "dump", PATH, sensitive=self.sensitive),
                self._content(download, report),
            )

    def _content(self, download: Download, report: ItemReport) -> Iterator[bytes]:
        taken = []
        for piece in download.chunks(self.largest):
            taken.append(piece)
            yield piece
        try:
            found = objects(parse(b"".join(taken)))
        except JsonRefused as error:
            report.problem(PATH, f"the dump is not whole: {error}")
            return
        except ValueError as error:
            report.problem(PATH, str(error))
            return
        report.notes["objects"] = {kind: len(group) for kind, group in found.items()}
        if not found:
            report.problem(PATH, "the dump holds no object at all")
