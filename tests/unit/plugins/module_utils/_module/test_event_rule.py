# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._entries import PHASES
from ansible_collections.ucops.recovery.plugins.module_utils._module.event_rule import (
    EVERY_ONE_COUNTS,
    back_to_complete,
    is_big,
    unannounced,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository.format import CommitRecord

SHA = "ab" * 32


def record(sequence=7, phase="scheduled", status="complete", release="8.4", **counts):
    return CommitRecord(
        repository_id="r",
        source="uc1",
        product="procall_server",
        instance="",
        sequence=sequence,
        parent=SHA,
        received_at="2026-01-31T22:00:00Z",
        status=status,
        phase=phase,
        items={},
        manifest=(SHA, 1),
        piece_index=(SHA, 1),
        objects={},
        recipients_digest=SHA,
        fingerprint_key="k",
        facts_digest="ab" * 16,
        signer="backup1",
        release=release,
        counts=counts,
    )


def texts(before, phase="scheduled", release="8.4", **counts):
    return [finding.text for finding in unannounced(phase, release, counts, back_to_complete(before))]


def test_a_big_difference_in_users_is_a_high_finding():
    (finding,) = unannounced("scheduled", "8.4", {"users": 60}, [record(users=120)])
    assert finding.to_result() == {
        "grade": "high",
        "rule": "unannounced",
        "text": "120 users then, 60 now, and no pre_change generation was made"
        " between uc1/procall_server/7 and this one",
    }


@pytest.mark.parametrize(
    ("name", "then", "now", "big"),
    [
        ("users", 120, 120, False),
        ("users", 120, 109, False),
        ("users", 120, 108, True),
        ("users", 120, 132, True),
        ("users", 30, 34, False),
        ("users", 30, 35, True),
        ("users", 0, 4, False),
        ("users", 0, 5, True),
        ("users", 5, 0, True),
        ("lines", 100, 90, True),
        ("servers", 2, 3, True),
        ("servers", 1, 0, True),
        ("replicators", 40, 41, True),
        ("databases", 1, 1, False),
    ],
)
def test_what_is_big(name, then, now, big):
    assert is_big(name, then, now) is big


def test_another_release_is_big_and_an_unknown_one_is_none():
    assert texts([record(release="8.4")], release="8.6")[0].startswith("8.4 then, 8.6 now")
    assert texts([record(release="8.4")], release="") == []
    assert texts([record(release=None)], release="8.6") == []


def test_every_difference_is_named():
    found = texts([record(users=100, servers=1)], release="8.6", users=50, servers=2)
    assert [text.split(",")[0] for text in found] == ["1 servers then", "100 users then", "8.4 then"]


def test_a_count_that_vanished_is_no_silence():
    (text,) = texts([record(users=120)])
    assert text.startswith("120 users then, none counted now, and no pre_change generation")
    assert texts([record(users=4, container_zip=1)]) == []
    assert texts([record(replicators=1)])[0].startswith("1 replicators then, none counted now")


def test_what_was_not_counted_before_is_no_difference():
    assert texts([record(users=10)], users=10, replicators=3) == []


@pytest.mark.parametrize("phase", sorted(set(PHASES) - {"scheduled"}))
def test_only_scheduled_backups_are_judged(phase):
    assert texts([record(users=100)], phase=phase, users=10) == []


@pytest.mark.parametrize("announcing", ["pre_change", "pre_restore"])
@pytest.mark.parametrize("status", ["complete", "partial"])
def test_a_backup_before_the_change_announces_it(announcing, status):
    before = [record(8, announcing, status, users=100), record(7, users=100)]
    assert texts(before, users=10) == []


def test_a_change_before_the_last_complete_generation_announces_nothing():
    before = [record(9, users=100), record(8, "post_change", users=100), record(7, "pre_change", users=100)]
    assert len(texts(before, users=10)) == 1


def test_partial_generations_are_not_what_it_is_held_against():
    before = [record(8, status="partial", users=10), record(7, users=100)]
    assert "100 users then" in texts(before, users=10)[0]


def test_without_a_complete_generation_there_is_nothing_to_say():
    assert texts([], users=10) == []
    assert texts([record(1, status="partial", users=100)], users=10) == []
    assert texts([record(1, "pre_restore", users=100)], users=10) == []


def test_the_walk_back_ends_at_the_last_complete_generation():
    endless = (record(number, status="partial" if number % 5 else "complete") for number in itertools.count(1))
    assert [one.sequence for one in back_to_complete(endless)] == [1, 2, 3, 4, 5]


_counts = st.dictionaries(
    st.sampled_from(["users", "groups", "lines", *sorted(EVERY_ONE_COUNTS)]), st.integers(0, 10_000)
)
_records = st.builds(
    lambda phase, status, release, counts: record(7, phase, status, release, **counts),
    st.sampled_from(PHASES),
    st.sampled_from(["complete", "partial"]),
    st.sampled_from([None, "8.4", "8.6"]),
    _counts,
)


@given(st.lists(_records, max_size=6), st.sampled_from(PHASES), st.sampled_from(["", "8.4", "8.6"]), _counts)
def test_the_rule_is_what_it_says(records, phase, release, counts):
    """Against the rule said once more, the other way round: by what was there before, newest first."""
    last = next((one for one in records if one.status == "complete" and one.phase != "pre_restore"), None)
    found = unannounced(phase, release, counts, back_to_complete(records))
    announced = last is None or any(
        one.phase in ("pre_change", "pre_restore") for one in records[: records.index(last) + 1]
    )
    if phase != "scheduled" or announced:
        assert found == []
        return
    big = [
        name
        for name, then in last.counts.items()
        if (name in EVERY_ONE_COUNTS and counts.get(name, 0) != then)
        or (name not in EVERY_ONE_COUNTS and abs(counts.get(name, 0) - then) >= max(5, then / 10))
    ]
    other_release = bool(release and last.release and release != last.release)
    assert len(found) == len(big) + other_release
    assert all(finding.grade == "high" for finding in found)


@given(_counts, st.sampled_from(["8.4", "8.6"]))
def test_the_same_again_is_never_a_finding(counts, release):
    assert unannounced("scheduled", release, counts, [record(7, release=release, **counts)]) == []
