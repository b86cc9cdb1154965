# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finding the generation that somebody means: by its id, the newest, the newest complete, or that of a change."""

from __future__ import annotations

from .._errors import GenerationMissing
from .backends.base import Backend
from .chain import Believe, head, load_record, take_complete, walk_back
from .expiry import fate_of
from .format import ChainId, CommitRecord, GenerationId

LATEST = "latest"
"""The newest complete generation that no restore put aside."""
NEWEST = "newest"
"""The newest generation, complete or not."""


def find_generation(backend: Backend, text: str, believe: Believe | None = None) -> CommitRecord:
    """The record that ``source/product[@instance]/`` with a number, ``latest`` or ``newest`` behind it names.

    Raises OptionInvalid, GenerationMissing, or what is wrong with the record.
    """
    chain_text, _slash, last = text.rpartition("/")
    if last not in (LATEST, NEWEST):
        return load_record(backend, GenerationId.parse(text), believe)
    chain = ChainId.parse(chain_text)
    newest = head(backend, chain, believe)
    if newest is not None and last == NEWEST:
        return newest
    complete = take_complete(backend, newest, 1)
    if not complete:
        what = "generation" if newest is None else "complete generation"
        raise GenerationMissing(f"There is no {what} of {chain}", hint="List what there is with generation_info.")
    return complete[0]


def generations_of_change(
    backend: Backend, newest: CommitRecord | None, change_id: str, phase: str
) -> list[CommitRecord]:
    """The generations of one phase of one change, newest first, among a believed record and those before it."""
    return [
        record
        for record in (walk_back(backend, newest) if newest is not None else ())
        if record.change_id == change_id and record.phase == phase
    ]


def current_generation_of_change(
    backend: Backend, chain: ChainId, change_id: str, phase: str, believe: Believe | None = None
) -> CommitRecord | None:
    """The newest complete generation of one phase of one change, None when there is none."""
    found = generations_of_change(backend, head(backend, chain, believe), change_id, phase)
    return next((record for record in found if record.is_complete and fate_of(backend, record).pruned is None), None)
