# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._repository.capacity import (
    Growth,
    Ledger,
    days_until_full,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository.expiry import Fates, Tombstone
from ansible_collections.ucops.recovery.plugins.module_utils._repository.format import (
    CommitRecord,
    GenerationId,
    format_moment,
)

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
WINDOW = timedelta(days=30)


def sha(name: str) -> str:
    return name.encode().hex().ljust(64, "0")


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def record(sequence: int, at: datetime, objects: dict[str, int], **facts: Any) -> CommitRecord:
    told = {
        "repository_id": "0" * 32,
        "source": "pbx",
        "product": "kamailio",
        "instance": "",
        "sequence": sequence,
        "parent": "",
        "received_at": format_moment(at),
        "status": "complete",
        "phase": "scheduled",
        "items": {},
        "manifest": (sha("manifest"), 0),
        "piece_index": (sha("index"), 0),
        "objects": {sha(name): size for name, size in objects.items()},
        "recipients_digest": "r",
        "fingerprint_key": "f",
        "facts_digest": "d",
        "signer": "backup1",
    }
    return CommitRecord(**{**told, **facts})


def stone(of: CommitRecord, at: datetime, data_class: str = "", objects: tuple[str, ...] = ()) -> Fates:
    generation = GenerationId.of(of)
    names = tuple(sha(name) for name in objects)
    one = Tombstone(generation, data_class, of.hash, format_moment(at), "old", "janitor", "key", names)
    return Fates(buried={of.sequence: [one]}, now=format_moment(at))


def grown(*sizes: int) -> Ledger:
    """A line with one new object a day."""
    ledger = Ledger()
    ledger.add([record(n + 1, day(n), {f"o{n}": size}) for n, size in enumerate(sizes)], Fates())
    return ledger


def test_what_the_first_generation_brings_is_no_growth() -> None:
    ledger = grown(10**9, 100, 100, 100, 100)
    assert ledger.stored_bytes == 10**9 + 400
    assert ledger.growth(day(4), WINDOW) == Growth(100.0, 0.0, 4.0)


def test_new_recipients_store_everything_anew_once() -> None:
    ledger = Ledger()
    ledger.add(
        [record(1, day(0), {"a": 500}), record(2, day(2), {"b": 500}, recipients_digest="other")],
        Fates(),
    )
    assert ledger.stored_bytes == 1000
    assert ledger.growth(day(2), WINDOW) == Growth(0.0, 0.0, 2.0)


def test_only_the_window_counts() -> None:
    growth = grown(0, 10**6, *[0] * 38, 300).growth(day(40), WINDOW)
    assert growth == Growth(10.0, 0.0, 30.0)


def test_what_generations_share_counts_once() -> None:
    ledger = Ledger()
    ledger.add([record(n, day(n), {"shared": 70}) for n in (1, 2, 3)], Fates())
    assert ledger.stored_bytes == 70 and ledger.needed >= {sha("shared")}


def test_what_was_let_go_is_released_unless_another_generation_needs_it() -> None:
    first = record(1, day(0), {"old": 400, "shared": 50})
    ledger = Ledger()
    ledger.add([first, record(2, day(1), {"shared": 50, "new": 600})], stone(first, day(2)))
    assert ledger.stored_bytes == 650
    assert ledger.growth(day(2), WINDOW) == Growth(300.0, 200.0, 2.0)
    assert ledger.growth(day(2), WINDOW).net == 100.0  # type: ignore[union-attr]


def test_a_data_class_that_was_let_go_is_released() -> None:
    first = record(1, day(0), {"config": 30, "logs": 80})
    ledger = Ledger()
    ledger.add([first], stone(first, day(1), "logs", ("logs",)))
    assert ledger.stored_bytes == 30
    assert ledger.growth(day(2), WINDOW) == Growth(0.0, 40.0, 2.0)


@pytest.mark.parametrize("now", [day(-5), day(0.5)])
def test_too_little_history_tells_nothing(now: datetime) -> None:
    assert grown(10, 20).growth(now, WINDOW) is None
    assert Ledger().growth(now, WINDOW) is None


def test_what_is_dated_in_the_future_is_no_growth() -> None:
    ledger = grown(0, 100)
    ledger.add([record(3, day(9000), {"odd": 10**12})], Fates())
    assert ledger.growth(day(2), WINDOW) == Growth(50.0, 0.0, 2.0)


@pytest.mark.parametrize(
    ("free", "reserve", "growth", "days"),
    [
        (None, 0, Growth(1, 0, 1), None),
        (100, 100, None, 0.0),
        (99, 100, Growth(0, 5, 1), 0.0),
        (1000, 100, None, None),
        (1000, 100, Growth(10, 10, 1), None),
        (1000, 100, Growth(10, 20, 1), None),
        (1000, 100, Growth(100, 10, 1), 10.0),
    ],
)
def test_days_until_full(free: int | None, reserve: int, growth: Growth | None, days: float | None) -> None:
    assert days_until_full(free, reserve, growth) == days
