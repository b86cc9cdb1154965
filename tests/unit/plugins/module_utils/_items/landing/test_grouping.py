# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._items.landing.facts import FileFacts
from ansible_collections.ucops.recovery.plugins.module_utils._items.landing.grouping import Selection, batches
from ansible_collections.ucops.recovery.plugins.module_utils._items.landing.judging import Arrival

NAMES = (b"A/x-1.tar", b"A/x-2.tar", b"B/y-1.tar", b"z.sar", b"z.sar.filepart", b".hidden", b"A/x-3.tmp")


def arrivals(names=NAMES, unstable=()):
    found = {}
    for number, name in enumerate(names):
        facts = FileFacts(name, 1, number, 10, 512, 0, 0)
        level = "received" if name in unstable else "stable"
        found[name] = Arrival(facts, level, 1000 - number, ("waits",) if name in unstable else ())
    return found


def grouped(**how):
    return {one.names for one in batches(arrivals(), Selection(**how))}


@pytest.mark.parametrize(
    "how, expected",
    [
        ({}, {(b"A/x-1.tar",), (b"A/x-2.tar",), (b"B/y-1.tar",), (b"z.sar",)}),
        ({"group_by": "folder"}, {(b"A/x-1.tar", b"A/x-2.tar"), (b"B/y-1.tar",), (b"z.sar",)}),
        ({"group_by": "all"}, {(b"A/x-1.tar", b"A/x-2.tar", b"B/y-1.tar", b"z.sar")}),
        (
            {"group_by": "pattern", "group_pattern": r"-(\d)"},
            {(b"A/x-1.tar", b"B/y-1.tar"), (b"A/x-2.tar",), (b"z.sar",)},
        ),
        ({"patterns": ["*.sar"]}, {(b"z.sar",)}),
        ({"patterns": ["A/*"]}, {(b"A/x-1.tar",), (b"A/x-2.tar",)}),
        ({"patterns": ["*.filepart"], "exclude": []}, {(b"z.sar.filepart",)}),
    ],
)
def test_what_is_meant_and_what_belongs_together(how, expected):
    assert grouped(**how) == expected


def test_one_that_is_not_stable_holds_its_batch_back():
    (batch,) = batches(arrivals([b"a", b"b"], unstable=[b"b"]), Selection(group_by="all"))
    assert not batch.is_stable
    (batch,) = batches(arrivals([b"a", b"b"]), Selection(group_by="all"))
    assert batch.is_stable and batch.received_ns == 1000


def test_the_oldest_receipt_comes_first():
    found = batches(arrivals([b"a", b"b", b"c"]), Selection())
    assert [one.names[0] for one in found] == [b"c", b"b", b"a"]


@pytest.mark.parametrize(
    "how",
    [
        {"group_by": "size"},
        {"group_by": "pattern"},
        {"group_pattern": "(x)"},
        {"group_by": "pattern", "group_pattern": "x"},
        {"group_by": "pattern", "group_pattern": "("},
    ],
)
def test_what_cannot_be_is_refused(how):
    with pytest.raises(OptionInvalid):
        Selection(**how)
