# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One command on the host that lists a tree, is told what of it is wanted, and sends that as an archive."""

from __future__ import annotations

import queue
from collections.abc import Iterator, Sequence

from .._errors import OutputTooLarge
from .._transport.base import Become, Closing, CommandResult, Transport
from .tree_listing import LISTING_LIMIT, Listing, arguments, below_root, is_whole, understand

BATCH = 32 * 1024
"""Bytes of names that are sent at once."""


class TreeConversation(Closing):
    """Ask for the :meth:`listing`, then for the :meth:`archive`, then how it :meth:`finish`-ed. A context: leaving it
    early cuts the command off."""

    def __init__(
        self, transport: Transport, globs: Sequence[bytes], root: bytes, become: Become, one_file_system: bool
    ) -> None:
        self._host, self._root = transport.host, root
        self._wanted: queue.SimpleQueue[Sequence[bytes]] = queue.SimpleQueue()
        self._stream = transport.open(arguments(globs, root, one_file_system), input=self._answer(), become=become)
        self._chunks = self._stream.chunks()

    def listing(self) -> Listing:
        """What is there. Raises like :func:`understand`, OutputTooLarge, and as the transport does."""
        said = bytearray()
        for chunk in self._chunks:
            said += chunk
            if is_whole(said):
                return understand(bytes(said), self._host, self._root)
            if len(said) > LISTING_LIMIT:
                raise OutputTooLarge(f"The listing of files has more than {LISTING_LIMIT} bytes", host=self._host)
        return understand(bytes(said), self._host, self._root, self._stream.finish().complaint)

    def archive(self, paths: Sequence[bytes]) -> Iterator[bytes]:
        """The archive of these paths, piece by piece; without paths nothing comes."""
        self._wanted.put(paths)
        return self._chunks

    def finish(self) -> CommandResult:
        """How it ended."""
        self._wanted.put(())
        return self._stream.finish()

    def close(self) -> None:
        """Cut it off, unless it has ended."""
        self._wanted.put(())
        self._stream.close()

    def _answer(self) -> Iterator[bytes]:
        paths = self._wanted.get()
        if paths:
            yield b"wanted\n"
            yield from name_list(paths)


def name_list(paths: Sequence[bytes]) -> Iterator[bytes]:
    """The paths as tar reads them from a list, each ended by NUL."""
    batch = bytearray()
    for path in paths:
        batch += below_root(path) + b"\0"
        if len(batch) > BATCH:
            yield bytes(batch)
            batch.clear()
    yield bytes(batch)
