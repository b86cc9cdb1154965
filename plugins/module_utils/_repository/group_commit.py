# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Generations of many hosts that become ready at about the same time are committed together.

A commit waits for the disk a few times, however many generations are in it. While one group waits, the next one
gathers by itself, so nobody has to be told how large a group should be.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock

from .._errors import RepositoryError
from .backends.base import Backend
from .format import ChainId, GenerationId
from .generation_writer import Prepared
from .keys import WriterKey
from .writer import Committed, Outcome, RepositoryWriter, all_committed

Commit = Callable[[Sequence[Prepared]], list[Outcome]]


class GroupCommits:
    """Gives threads a ``commit`` that shares its waiting with the others'.

    :param commit: commits a group, as :meth:`RepositoryWriter.commit_each` does
    """

    def __init__(self, commit: Commit) -> None:
        self._commit = commit
        self._lock = Lock()
        self._waiting: list[tuple[Sequence[Prepared], Future[list[Outcome]]]] = []
        self._one_by_one = ThreadPoolExecutor(1, "commit")
        self.groups = 0

    def commit(self, prepared: Sequence[Prepared]) -> list[Committed]:
        """As durable as a commit of its own when it returns. Raises what is wrong with these, or with the group."""
        outcome: Future[list[Outcome]] = Future()
        with self._lock:
            self._waiting.append((prepared, outcome))
        self._one_by_one.submit(self._commit_waiting)
        return all_committed(outcome.result())

    def close(self) -> None:
        """Let the thread end when all is committed."""
        self._one_by_one.shutdown()

    def _commit_waiting(self) -> None:
        with self._lock:
            batch, self._waiting = self._waiting, []
        if not batch:
            return  # went with the group before
        self.groups += 1
        try:
            done = iter(self._commit([one for prepared, _outcome in batch for one in prepared]))
            for prepared, outcome in batch:
                outcome.set_result([next(done) for _one in prepared])
        except BaseException as error:
            for prepared, outcome in batch:
                outcome.set_exception(_of_its_own(error, prepared))


def _of_its_own(error: BaseException, prepared: Sequence[Prepared]) -> BaseException:
    """The group's error as that of one of its members, which does not speak of the others' generations."""
    if not isinstance(error, RepositoryError):
        return error
    mine = {str(one.record.chain) for one in prepared}
    own = copy.copy(error)
    own.details = dict(error.details)
    committed = [text for text in own.details.pop("committed", ()) if str(GenerationId.parse(text).chain) in mine]
    if committed:
        own.details["committed"] = committed
    return own


class FleetWriter(RepositoryWriter):
    """A writer for many threads, whose commits go in groups. ``bytes_read``: by all of them, until now."""

    def __init__(self, backend: Backend, writer_key: WriterKey) -> None:
        self._counting = Lock()
        self.bytes_read = 0
        super().__init__(backend, writer_key)
        self._groups = GroupCommits(self.commit_each)
        self._refused: set[ChainId] = set()

    def __enter__(self) -> FleetWriter:
        return self

    @property
    def groups(self) -> int:
        """How many groups were committed."""
        return self._groups.groups

    def refuse(self, chain: ChainId) -> None:
        """Commit nothing of this line any more: whoever gathers it was given up, and its failure was told."""
        self._refused.add(chain)

    def commit(self, prepared: Sequence[Prepared]) -> list[Committed]:
        """As durable as a commit of its own. Raises RepositoryError, also for a line that is refused."""
        if any(one.record.chain in self._refused for one in prepared):
            for one in prepared:
                one.abort()
            raise RepositoryError("This was given up, and comes too late")
        return self._groups.commit(prepared)

    def _passed(self, size: int) -> None:
        with self._counting:
            self.bytes_read += size

    def close(self) -> None:
        """Let the threads end."""
        self._groups.close()
        super().close()
