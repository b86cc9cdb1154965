# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which generation a repeated backup for a change is given, and when it is given none."""

from __future__ import annotations

import time

import pytest
from support.repositories import TestRepository

from ansible_collections.ucops.recovery.plugins.module_utils._errors import ChangeBegun, OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._module import retry
from ansible_collections.ucops.recovery.plugins.module_utils._module.release_change import ReleaseChange
from ansible_collections.ucops.recovery.plugins.module_utils._repository.backends.local import LocalBackend
from ansible_collections.ucops.recovery.plugins.module_utils._repository.chain import believe_keyring
from ansible_collections.ucops.recovery.plugins.module_utils._repository.format import ChainId, object_name
from ansible_collections.ucops.recovery.plugins.module_utils._repository.journal import RestoreJournal
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keyring import load_keyring
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keys import WriterKey
from ansible_collections.ucops.recovery.plugins.module_utils._repository.writer import RepositoryWriter

CHAIN = ChainId("pbx", "kamailio", "")
CHANGE = {"change_id": "CHG1", "phase": "pre_change"}
ASKED = {"max_age": "1h", "force": False, **CHANGE}


@pytest.fixture
def repository(tmp_path, monkeypatch):
    monkeypatch.setattr(LocalBackend, "_sync", lambda self, paths: None)
    return TestRepository.create(tmp_path)


def look(repository, **options):
    believe = believe_keyring(load_keyring(repository.backend))
    return retry.look_for_earlier({**ASKED, **options}, repository.backend, CHAIN, believe)


def flip(repository, sha):
    path = repository.path / object_name(sha)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1] + b"?")


def test_the_generation_of_the_same_change_is_found_behind_later_ones(repository):
    made = repository.backup({"/a": b"1"}, **CHANGE).record
    newest = repository.backup({"/a": b"2"}, phase="scheduled").record
    found = look(repository)
    assert (found.record, found.newest, found.damaged) == (made, newest, False)
    result = retry.reused_result({"companions": [], "companions_elsewhere": []}, repository.backend, made, newest)
    assert (result["changed"], result["reused"], result["open_restores"]) == (False, True, [])
    assert result["generation"]["id"] == "pbx/kamailio/1" and result["generation"]["head"] == newest.hash
    assert result["generation"]["received_at"] == made.received_at and result["generation"]["previous"] is None


def test_a_restore_that_never_ended_is_told_with_it(repository):
    made = repository.backup({"/a": b"1"}, **CHANGE).record
    with RepositoryWriter(repository.backend, WriterKey.load(str(repository.writer_key_file))) as store:
        journal = RestoreJournal.start(store, "pbx", "kamailio", generation="pbx/kamailio/1")
    result = retry.reused_result({"companions": [], "companions_elsewhere": []}, repository.backend, made, None)
    assert result["open_restores"] == [journal.identifier]


@pytest.mark.parametrize(
    "options",
    [
        {"max_age": None},
        {"force": True},
        {"change_id": None},
        {"change_id": "CHG2"},
        {"phase": "post_change"},
        {"only_counters": True},
    ],
)
def test_nothing_is_reused_that_was_not_asked_for(repository, options):
    repository.backup({"/a": b"1"}, **CHANGE)
    assert look(repository, **options) == retry.Earlier()


def test_one_that_does_not_tell_of_the_announced_release_is_not_reused(repository):
    reviewed = {"where": "notes", "by": "Ann", "at": "2026-01-31"}
    announced = {"target_release": "Kamailio 5.8", "release_notes_reviewed": reviewed}
    repository.backup({"/a": b"1"}, **CHANGE)
    assert look(repository, **announced) == retry.Earlier()
    words = ReleaseChange.of({**ASKED, **announced}).words()
    made = repository.backup({"/a": b"1"}, reason=f"ticket ({words})", **CHANGE).record
    assert look(repository, **announced).record == made


def test_a_partial_one_is_never_reused(repository):
    repository.backup({"/a": b"1"}, status="partial", missing=["config"], **CHANGE)
    assert look(repository).record is None


@pytest.mark.parametrize(("later", "reused"), [(3500, True), (-60, False)])
def test_a_young_one_is_reused_and_one_of_the_future_is_not(repository, monkeypatch, later, reused):
    repository.backup({"/a": b"1"}, **CHANGE)
    now = time.time() + later
    monkeypatch.setattr(retry.time, "time", lambda: now)
    assert (look(repository).record is not None) is reused


def test_one_that_is_too_old_is_neither_reused_nor_replaced_unless_forced(repository, monkeypatch):
    """The change may have begun: what is there now would stand for what was there before it."""
    repository.backup({"/a": b"1"}, **CHANGE)
    now = time.time() + 3700
    monkeypatch.setattr(retry.time, "time", lambda: now)
    with pytest.raises(
        ChangeBegun, match="pbx/kamailio/1, of before the change CHG1, is older than 1h.*with force"
    ) as told:
        look(repository)
    assert told.value.host == "pbx"
    assert look(repository, force=True) == retry.Earlier()
    assert look(repository, phase="scheduled") == retry.Earlier()


@pytest.mark.parametrize("before", ["young", "damaged", "none"])
def test_once_there_is_one_of_after_the_change_none_of_before_it_is_made(repository, before):
    made = repository.backup({"/a": b"1" * 1000}, **CHANGE).record if before != "none" else None
    repository.backup({"/a": b"2" * 1000}, change_id="CHG1", phase="post_change", status="partial", missing=["x"])
    if before == "damaged":
        flip(repository, next(iter(made.objects)))
    assert look(repository).record == (made if before == "young" else None), "one that is partial tells nothing"
    after = repository.backup({"/a": b"3" * 1000}, change_id="CHG1", phase="post_change").record
    if before == "young":
        assert look(repository).record == made
        return
    with pytest.raises(ChangeBegun, match=f"pbx/kamailio/{after.sequence} was made after the change CHG1") as told:
        look(repository)
    assert ("is damaged" in str(told.value)) is (before == "damaged")
    assert look(repository, change_id="CHG2") == retry.Earlier()


def test_a_damaged_one_is_not_reused_and_is_named(repository):
    made = repository.backup({"/a": b"1" * 1000}, **CHANGE).record
    flip(repository, next(iter(made.objects)))
    found = look(repository)
    assert found.record is None and found.damaged
    assert "pbx/kamailio/1 is damaged" in found.warnings[0] and "stored anew" in found.warnings[0]


def test_a_span_of_time_that_is_none_is_refused(repository):
    with pytest.raises(OptionInvalid, match="max_age is no span of time"):
        look(repository, max_age="soon")
