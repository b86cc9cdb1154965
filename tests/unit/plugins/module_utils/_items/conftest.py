# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from support.gathering import Gathering

from ansible_collections.ucops.recovery.plugins.module_utils._items.tree_listing import SCRIPT, is_whole
from ansible_collections.ucops.recovery.plugins.module_utils._transport.base import (
    CommandResult,
    CommandStream,
    Transport,
)
from ansible_collections.ucops.recovery.plugins.module_utils._transport.local import LocalTransport


class ScriptedStream(CommandStream):
    def __init__(self, result: CommandResult, taken: bytes) -> None:
        self._result = result

    def chunks(self):
        for at in range(0, len(self._result.stdout), 700):
            yield self._result.stdout[at : at + 700]

    def finish(self):
        return CommandResult(self._result.rc, b"", self._result.stderr)

    def close(self):
        pass


class TalkingStream(CommandStream):
    """A listing, and, once it was said what of it is wanted, what else the script gives."""

    def __init__(self, listing: CommandResult, input, following) -> None:
        self._result = listing
        self._input = input
        self._following = following

    def chunks(self):
        yield from ScriptedStream(self._result, b"").chunks()
        if is_whole(self._result.stdout) and b"".join(self._input):
            answer = self._following.pop(0)
            if isinstance(answer, Exception):
                raise answer
            self._result = answer
            yield from ScriptedStream(answer, b"").chunks()

    def finish(self):
        return CommandResult(self._result.rc, b"", self._result.stderr)

    def close(self):
        pass


class ScriptedTransport(Transport):
    """Answers each command with the next of the given results; keeps what it was asked. One that lists a tree and then
    sends it takes two."""

    host = "pbx"

    def __init__(self, *results) -> None:
        self._results = list(results)
        self.asked = []

    def open(self, argv, *, input=None, become=False, deadline=None, silence=None, limit=None):
        if SCRIPT in argv and input is not None:
            return TalkingStream(self._results.pop(0), input, self._results)
        taken = input if isinstance(input, bytes) else b"".join(input or ())
        self.asked.append((list(argv), taken, become))
        answer = self._results.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return ScriptedStream(answer, taken)

    def read_file(self, path):
        raise NotImplementedError

    list_dir = read_link = read_file

    def close(self):
        pass


class CountingTransport(LocalTransport):
    """The local host, counting how many commands it is asked for."""

    def __init__(self) -> None:
        super().__init__("pbx")
        self.commands = 0

    def open(self, *args, **kwargs):
        self.commands += 1
        return super().open(*args, **kwargs)


@pytest.fixture
def local():
    with CountingTransport() as transport:
        yield transport


@pytest.fixture
def gather():
    return Gathering


@pytest.fixture
def scripted():
    return ScriptedTransport


@pytest.fixture
def answer():
    """A command's result."""

    def make(stdout=b"", stderr=b"", rc=0):
        return CommandResult(rc, stdout, stderr)

    return make
