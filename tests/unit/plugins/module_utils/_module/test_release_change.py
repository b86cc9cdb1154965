# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._module.release_change import (
    ReleaseChange,
    another_release,
    with_words,
)

REVIEWED = {"where": "https://vendor.example/notes", "by": "Ann", "at": "2026-01-31"}
CHANGE = ReleaseChange("Kamailio 5.8", REVIEWED["where"], "Ann", "2026-01-31")


def of(target="Kamailio 5.8", reviewed=True, phase="pre_change"):
    notes = REVIEWED if reviewed is True else reviewed
    return ReleaseChange.of({"target_release": target, "release_notes_reviewed": notes, "phase": phase})


def test_an_announced_release_is_recorded_with_who_read_what_when():
    change = of()
    assert change == CHANGE and of(None, None) is None
    assert change.to_json("Kamailio 5.7") == {
        "from": "Kamailio 5.7",
        "to": "Kamailio 5.8",
        "release_notes_reviewed": REVIEWED,
    }


@pytest.mark.parametrize("phase", ["manual", "scheduled", "post_change"])
def test_only_a_backup_before_a_change_announces_one(phase):
    with pytest.raises(OptionInvalid, match="this backup is none before a change"):
        of(phase=phase)


@pytest.mark.parametrize("wrong", ["", "  ", "two\nlines", "x" * 501])
@pytest.mark.parametrize("name", ["target_release", "where", "by", "at"])
def test_words_that_say_nothing_are_refused(name, wrong):
    with pytest.raises(OptionInvalid, match="is empty, longer"):
        of(wrong) if name == "target_release" else of(reviewed={**REVIEWED, name: wrong})


def test_the_reason_names_it():
    words = (
        "change of release to Kamailio 5.8; release notes https://vendor.example/notes, reviewed by Ann at 2026-01-31"
    )
    assert with_words(None, CHANGE) == words
    assert with_words("new trunk", CHANGE) == f"new trunk ({words})"
    assert with_words("new trunk", None) == "new trunk"


def record(release="Kamailio 5.7", complete=True):
    return SimpleNamespace(
        release=release, is_complete=complete, source="pbx", product="kamailio", instance="", sequence=7
    )


def test_another_release_than_before_is_a_finding():
    (finding,) = another_release("Kamailio 5.8", [record(complete=False), record()])
    assert (finding.grade, finding.rule) == ("medium", "release_changed")
    assert "changed from Kamailio 5.7 to Kamailio 5.8: pbx/kamailio/7 may not be accepted" in finding.text


@pytest.mark.parametrize(
    ("now", "before"),
    [
        ("Kamailio 5.7", [record()]),
        ("", [record()]),
        ("Kamailio 5.8", [record(release="")]),
        ("Kamailio 5.8", [record(complete=False)]),
        ("Kamailio 5.8", []),
    ],
)
def test_the_same_release_or_one_that_is_not_known_is_none(now, before):
    assert another_release(now, before) == []
