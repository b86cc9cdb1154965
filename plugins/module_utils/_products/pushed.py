# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Any product that makes its own backup and pushes it to a landing zone, or whose backup a person downloads.

Nothing is known of what is in it but what its container tells. It is put back by its own product, or by people: the
module C(generation_extract) gives them the files as they came.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from .._items.base import Item
from .._items.landing.containers import HEAD, UNKNOWN, kind_of
from .._items.landing.content import Demands
from .._items.landing.sizes import Band
from .._items.pushed_files import CONTENTS_ITEM, FILES_ITEM, PushedContents, PushedFile, PushedFiles
from .._transport.base import Transport
from .base import Probe, Product
from .options import choice, list_of, option, parse_options, text

CONTAINER_COUNT = "container_"
"""Counts of this prefix in the commit record tell how many files of which container a generation holds."""
CONTAINERS = ("7z", "age", "bzip2", "gzip", "openssl", "pgp", "sqlite", "tar", UNKNOWN, "xml", "xz", "zip", "zstd")


def size(value: Any) -> int:
    """A number of bytes."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError("a number of bytes, at least 1")
    return value


def factor(value: Any) -> float:
    """A part of what is usual."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1_000_000:
        raise ValueError("a number that is not negative")
    return float(value)


@dataclass(frozen=True)
class PushedOptions:
    """What is asked of the files. ``release``: of the product that pushes, as people know it; files do not tell it.
    ``size_at_least`` and ``size_at_most``: parts of the median size of the last five complete generations."""

    data_class: str = option(choice("voip_config", "system_config", "logs", "user_data"), "voip_config")
    release: str = option(text, "")
    containers: list[str] = option(list_of(choice(*CONTAINERS)), [])
    min_size: int = option(size, 1)
    ends_with: str = option(text, "")
    size_at_least: float = option(factor, 0.5)
    size_at_most: float = option(factor, 3.0)


@dataclass(frozen=True)
class Received:
    """One backup that arrived, as :mod:`_module.receiving` hands it to a product."""

    files: Sequence[PushedFile]
    sizes_before: Sequence[int] = ()
    accept_size: bool = False
    failed: Mapping[bytes, Sequence[str]] | None = None


class Pushed(Product):
    """See the module's text. A product of its own whose backups arrive in the same way derives from it, and names
    itself; it adds to :meth:`probe` and :meth:`items` what it knows beyond the files."""

    name: ClassVar[str] = "pushed"

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.take_options(parse_options(PushedOptions, options))

    def take_options(self, options: PushedOptions) -> None:
        """What is asked of the files; a product with options of its own makes these of them."""
        self.pushed = options
        self.received = Received(())

    def receive(self, received: Received) -> None:
        """The backup that is to be gathered next. Until then there is none."""
        self.received = received

    def probe(self, transport: Transport) -> Probe:
        kinds = Counter(kind_of(_head(file)) for file in self.received.files)
        counts = {f"{CONTAINER_COUNT}{kind}": number for kind, number in sorted(kinds.items())}
        return Probe(release=self.pushed.release, version=self.pushed.release, counts=counts)

    def items(self, probe: Probe) -> list[Item]:
        options, received = self.pushed, self.received
        files = PushedFiles(
            name=FILES_ITEM,
            data_class=options.data_class,
            sensitive=True,
            restorable=False,
            files=received.files,
            demands=Demands(options.min_size, tuple(options.containers), options.ends_with.encode("utf-8")),
            band=Band(options.size_at_least, options.size_at_most),
            sizes_before=received.sizes_before,
            accept_size=received.accept_size,
            failed=received.failed or {},
        )
        return [files, PushedContents(name=CONTENTS_ITEM, data_class=options.data_class, sensitive=True, of=files)]

    def remarks(self, probe: Probe) -> list[str]:
        return [
            "It is put back by the product itself or by people: ucops.recovery.generation_extract gives them the files."
        ]


def _head(file: PushedFile) -> bytes:
    try:
        handle = file.open()
    except OSError:
        return b""
    try:
        return os.read(handle, HEAD)
    except OSError:
        return b""
    finally:
        os.close(handle)
