# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from support.repositories import TestRepository

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._module import companions
from ansible_collections.ucops.recovery.plugins.module_utils._module.companions import Provided, Run, look_for
from ansible_collections.ucops.recovery.plugins.module_utils._products.base import Companion

CHAT = Companion("mssql", "UCServer keeps its journal there", instance="CHAT")
DIRECTORY = Companion("ad_attributes", "users are kept there", source="dc1")
FILES = {"/x": b"x"}
RUN = Run("run-7", None, "scheduled")
CHANGE = Run(None, "CHG1", "pre_change")


@pytest.fixture
def kept(tmp_path):
    return TestRepository.create(tmp_path)


def backup(kept, product="mssql", instance="CHAT", source="sql1", **facts):
    return str(kept.backup(FILES, source, product, instance=instance, **facts).generation_id)


def found(kept, companion=CHAT, run=RUN, provided=None):
    (state,) = look_for(kept.backend, [companion], run, provided or Provided())
    assert state.missing is (state.generation is None and state.elsewhere is None)
    return state.generation


def test_a_generation_of_the_same_run_is_found_behind_newer_ones(kept):
    wanted = backup(kept, run_id="run-7")
    backup(kept, run_id="run-8")
    backup(kept, phase="pre_restore")
    assert found(kept) == wanted


def test_who_has_no_companions_lists_no_repository(kept, monkeypatch):
    monkeypatch.setattr(companions, "list_chains", lambda backend: pytest.fail("listed"))
    assert look_for(kept.backend, [], RUN, Provided()) == []


def test_without_a_run_id_change_and_phase_decide(kept):
    wanted = backup(kept, change_id="CHG1", phase="pre_change")
    backup(kept, change_id="CHG1", phase="post_change")
    backup(kept, change_id="CHG2", phase="pre_change")
    assert found(kept, run=CHANGE) == wanted


def test_a_run_id_decides_alone(kept):
    backup(kept, change_id="CHG1", phase="pre_change", run_id="run-1")
    assert found(kept, run=Run("run-2", "CHG1", "pre_change")) is None


@pytest.mark.parametrize(
    "other",
    [
        {"run_id": "run-6"},
        {"status": "partial", "run_id": "run-7"},
        {"instance": "OTHER", "run_id": "run-7"},
        {"product": "linux", "run_id": "run-7"},
        {},
    ],
)
def test_what_is_not_it_is_not_taken(kept, other):
    backup(kept, **other)
    assert found(kept) is None


def test_nothing_belongs_to_a_backup_without_run_and_change(kept):
    backup(kept)
    (state,) = look_for(kept.backend, [CHAT], Run(None, None, "manual"), Provided())
    assert state.missing
    assert "give this backup and ucops.recovery.mssql_backup the same run_id" in state.problem(
        Run(None, None, "manual")
    )


def test_a_source_is_held_to_and_names_have_no_case(kept):
    backup(kept, "ad_attributes", "", "dc2", run_id="run-7")
    assert found(kept, DIRECTORY) is None
    wanted = backup(kept, "ad_attributes", "", "DC1", run_id="run-7")
    assert found(kept, DIRECTORY) == wanted
    chat = backup(kept, instance="Chat", run_id="run-7")
    assert found(kept, CHAT) == chat


def test_the_problem_says_what_to_run_and_nothing_of_the_run(kept):
    (state,) = look_for(kept.backend, [CHAT], RUN, Provided())
    text = state.problem(RUN)
    assert "UCServer keeps its journal there" in text and "run ucops.recovery.mssql_backup for it first" in text
    assert "run-7" not in text


@pytest.mark.parametrize("name", ["mssql", "MSSQL@chat"])
def test_who_looks_after_it_elsewhere_is_recorded(kept, name):
    provided = Provided(elsewhere={name: "the database team"})
    states = look_for(kept.backend, [CHAT], RUN, provided)
    assert [(one.missing, one.elsewhere) for one in states] == [(False, "the database team")]
    assert companions.contract(states, provided)["demanded"] == [
        {
            "product": "mssql",
            "source": "",
            "instance": "CHAT",
            "why": "UCServer keeps its journal there",
            "state": "elsewhere",
            "reason": "the database team",
        }
    ]


def test_what_nothing_demands_is_told():
    provided = Provided(elsewhere={"mssql": "x", "dc1/ad_attributes": "y", "mssql@OTHER": "z"})
    assert provided.unused([CHAT, DIRECTORY]) == ["mssql@OTHER"]


def test_check_mode_looks_for_nothing(kept):
    (state,) = look_for(kept.backend, [CHAT], RUN, Provided(), look=False)
    assert state.to_result() == {
        "product": "mssql",
        "source": "",
        "instance": "CHAT",
        "why": "UCServer keeps its journal there",
        "generation": None,
        "elsewhere": None,
        "missing": False,
    }


def test_the_contract_is_the_same_in_every_run(kept):
    backup(kept, run_id="run-7")
    backup(kept, run_id="run-8")
    one, other = (
        companions.contract(look_for(kept.backend, [CHAT], Run(run, None, "manual"), Provided()), Provided())
        for run in ("run-7", "run-8")
    )
    assert one == other and one["demanded"][0]["state"] == "found"


def test_nothing_demanded_and_nothing_declared_is_nothing_said():
    assert companions.contract([], Provided()) == {}


def test_declared_ones_are_kept_as_they_are():
    one = {"kind": "vm_snapshot", "reference": "esx1 snap-12", "taken_at": "2026-01-31T22:00:00Z"}
    provided = Provided.of({"companions": [one, {**one, "taken_at": None}], "companions_elsewhere": []})
    wanted = [one, {"kind": "vm_snapshot", "reference": "esx1 snap-12"}]
    assert companions.contract([], provided) == {"declared": wanted}


def test_a_time_that_is_none_is_refused():
    one = {"kind": "vm_snapshot", "reference": "esx1 snap-12", "taken_at": "last night"}
    with pytest.raises(OptionInvalid, match="last night"):
        Provided.of({"companions": [one], "companions_elsewhere": []})


def test_a_restore_is_told_which_generations_belong_to_it(kept):
    contract = {
        "companions": {
            "demanded": [
                {"product": "mssql", "source": "", "instance": "CHAT", "why": "w", "state": "found"},
                {"product": "ad_attributes", "source": "", "instance": "", "why": "w", "state": "missing"},
                {"product": "x", "source": "", "instance": "", "why": "w", "state": "elsewhere", "reason": "r"},
            ],
            "declared": [{"kind": "other", "reference": "tape 7"}],
        }
    }
    wanted = backup(kept, run_id="run-7")
    record = kept.backup(FILES, "uc1", "procall_server", run_id="run-7").record
    told = companions.recorded(kept.backend, record, contract)
    assert [(one["generation"], one["missing"], one["elsewhere"]) for one in told["demanded"]] == [
        (wanted, False, None),
        (None, True, None),
        (None, False, "r"),
    ]
    assert told["declared"] == [{"kind": "other", "reference": "tape 7"}]
    assert companions.recorded(kept.backend, record, {}) == {"demanded": [], "declared": []}


# --- without a name --------------------------------------------------------------------------------------------------
FIRST, SECOND = Companion("mssql", "page Datenbank"), Companion("mssql", "page Multi-Server-Datenbank")


def generations(kept, *companions_):
    return [one.generation for one in look_for(kept.backend, companions_, RUN, Provided())]


def test_one_generation_is_not_two_databases_whose_names_nobody_knows(kept):
    chat = backup(kept, run_id="run-7")
    backup(kept, run_id="run-7")
    newest = backup(kept, run_id="run-7")
    assert generations(kept, FIRST, SECOND) == [newest, None] and newest != chat
    other = backup(kept, instance="CONF", run_id="run-7")
    assert sorted(generations(kept, FIRST, SECOND)) == sorted([newest, other])


def test_one_without_a_name_takes_nothing_that_has_been_asked_for_by_name(kept):
    chat = backup(kept, run_id="run-7")
    assert generations(kept, SECOND, CHAT) == [None, chat]
    assert generations(kept, CHAT, Companion("mssql", "the operator wants it", "sql1", "chat")) == [chat, chat]
    record = kept.backup(FILES, "uc1", "procall_server", run_id="run-7").record
    states = look_for(kept.backend, [SECOND, CHAT], RUN, Provided())
    told = companions.recorded(kept.backend, record, {"companions": companions.contract(states, Provided())})
    assert [(one["generation"], one["missing"]) for one in told["demanded"]] == [(None, True), (chat, False)]


# --- of the same age -------------------------------------------------------------------------------------------------
HSM = Companion("pushed", "keys are in an HSM", source="hsm1", max_age=3600)


def push(kept, **facts):
    return backup(kept, "pushed", "", "hsm1", **facts)


@pytest.mark.parametrize("run", [RUN, CHANGE, Run(None, None, "manual")])
def test_one_that_is_young_enough_belongs_to_any_run(kept, run):
    push(kept, run_id="run-1")
    wanted = push(kept)
    push(kept, status="partial")
    assert found(kept, HSM, run) == wanted


def test_one_of_the_same_run_comes_before_a_newer_one(kept):
    wanted = push(kept, run_id="run-7")
    push(kept)
    assert found(kept, HSM) == wanted


def test_one_that_is_too_old_is_missing(kept, monkeypatch):
    push(kept, run_id="run-1")
    now = companions.time.time()
    monkeypatch.setattr(companions.time, "time", lambda: now + 3500)
    assert found(kept, HSM)
    monkeypatch.setattr(companions.time, "time", lambda: now + 3700)
    (state,) = look_for(kept.backend, [HSM], RUN, Provided())
    assert state.missing and "of this run or at most 1 h old (keys are in an HSM)" in state.problem(RUN)


def test_later_it_counts_from_the_generation_that_it_belongs_to(kept, monkeypatch):
    wanted = push(kept)
    record = kept.backup(FILES, "ca1", "keyfactor_appliance").record
    (state,) = look_for(kept.backend, [HSM], RUN, Provided())
    contract = {"companions": companions.contract([state], Provided())}
    monkeypatch.setattr(companions.time, "time", lambda: 4e9)
    (told,) = companions.recorded(kept.backend, record, contract)["demanded"]
    assert told["generation"] == wanted
