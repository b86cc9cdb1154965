# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import time

import pytest
from support.modules import run_module, run_unsealing
from support.repositories import SECRET

from ansible_collections.ucops.recovery.plugins.module_utils._module import repository_verify
from ansible_collections.ucops.recovery.plugins.module_utils._repository.format import object_name


@pytest.fixture
def filled(repository):
    repository.backup({"/etc/a": b"1"})
    repository.backup({"/etc/a": b"2"})
    repository.backup({"/etc/h": b"1"}, source="sbc", product="linux")
    return repository


def verify(repository, secret=None, **options):
    given = {"repository": str(repository.path), **options}
    if secret is None:
        return run_module("repository_verify", given)
    return run_unsealing("repository_verify", given, secret)


def flip(path):
    path.chmod(0o600)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("level", [0, 1])
def test_without_trust_it_is_only_self_consistent(filled, level):
    result = verify(filled, level=level)
    assert result.get("failed") is not True, result
    assert result["verdict"] == "self_consistent" and result["changed"] is False
    assert result["findings"] == [] and result["findings_total"] == 0 and result["remaining"] == 0
    assert set(result["heads"]) == {"pbx/kamailio", "sbc/linux"}


def test_with_trust_it_is_authentic(filled):
    heads = verify(filled)["heads"]
    result = verify(filled, allowed_signers=filled.allowed_signers, expected_heads=heads)
    assert result["verdict"] == "authentic", result


def test_level_two_opens_everything(filled):
    result = verify(filled, SECRET, level=2)
    assert result.get("failed") is not True, result
    assert result["checked"]["contents"] == 3


def test_level_two_needs_a_key(filled):
    result = verify(filled, level=2)
    assert result["error"] == "KeyRequired" and "level 2" in result["msg"]


def test_a_key_on_a_lower_level_asks_for_nothing(filled):
    answer = run_module("repository_verify", {"repository": str(filled.path), "unseal_stage": "request"})
    assert answer["unseal"]["headers"] == {}
    assert verify(filled, SECRET, level=1)["verdict"] == "self_consistent"


@pytest.mark.parametrize("secret", [None, SECRET])
def test_damage_fails_the_task_and_is_named(filled, secret):
    record = filled.backup({"/etc/a": os.urandom(100)}).record
    (sha,) = [name for name in record.objects if not verify_needs(filled, name)]
    flip(filled.path / object_name(sha))
    result = verify(filled, secret, level=1 if secret is None else 2)
    assert result["failed"] is True and result["error"] == "RepositoryDamaged" and sha in result["msg"]
    assert result["verdict"] == "damaged"
    assert object_name(sha) in [finding["object"] for finding in result["findings"]]
    assert ["pbx/kamailio/3"] in [finding["generations"] for finding in result["findings"]]
    assert result["findings_total"] == len(result["findings"])


def verify_needs(repository, sha):
    """Whether one of the first two generations needs an object."""
    commits = repository.path / "commits/pbx/kamailio"
    return any(sha in (commits / f"{number}.json").read_text() for number in (1, 2))


def test_a_damaged_header_is_a_finding_on_level_two(filled):
    record = filled.backup({"/etc/a": os.urandom(100)}).record
    path = filled.path / object_name(record.manifest[0])
    path.chmod(0o600)
    path.write_bytes(b"no age file" + path.read_bytes()[11:])
    result = verify(filled, SECRET, level=2)
    assert result["verdict"] == "damaged"
    assert object_name(record.manifest[0]) in [finding["object"] for finding in result["findings"]]


def test_a_damaged_record_is_a_finding_on_level_two(filled):
    flip(filled.path / "commits/pbx/kamailio/1.json")
    result = verify(filled, SECRET, level=2)
    assert result["verdict"] == "damaged"
    assert "commits/pbx/kamailio/1.json" in [finding["object"] for finding in result["findings"]]


def test_a_rolled_back_repository(filled):
    result = verify(filled, expected_heads={"pbx/kamailio": "0" * 64})
    assert result["failed"] is True and "pbx/kamailio" in result["msg"]


def test_one_source_only(filled):
    flip(filled.path / "commits/pbx/kamailio/1.json")
    assert verify(filled, source="sbc")["verdict"] == "self_consistent"
    assert verify(filled, product="kamailio")["verdict"] == "damaged"


def remove_line(repository, source, product):
    for path in (repository.path / "commits" / source / product).iterdir():
        path.unlink()
    (repository.path / "commits" / source / product).rmdir()


@pytest.mark.parametrize("names", [{}, {"source": "sbc"}, {"source": "sbc", "product": "linux"}, {"product": "linux"}])
def test_a_line_that_is_gone_and_whose_head_is_expected_is_damage_in_every_selection(filled, names):
    filled.backup({"/etc/k": b"1"}, source="sbc", product="kamailio")
    heads = verify(filled)["heads"]
    remove_line(filled, "sbc", "linux")
    given = {"allowed_signers": filled.allowed_signers, "expected_heads": heads}
    result = verify(filled, **given, **names)
    assert result["verdict"] == "damaged" and heads["sbc/linux"] in result["msg"], result
    others = verify(filled, **given, product="kamailio")
    assert others["verdict"] == "authentic" and set(others["heads"]) == {"pbx/kamailio", "sbc/kamailio"}


@pytest.mark.parametrize(
    "names", [{"source": "pbxx"}, {"source": "pbx", "product": "linux"}, {"instance": "X"}, {"generations": []}]
)
def test_a_selection_of_nothing_is_refused(filled, names):
    heads = verify(filled)["heads"]
    result = verify(filled, allowed_signers=filled.allowed_signers, expected_heads=heads, **names)
    assert result["error"] == "OptionInvalid" and "verdict" not in result, result


@pytest.mark.parametrize("damage", ["record", "signature", "gap"])
def test_level_two_names_nothing_that_is_whole(filled, damage):
    filled.backup({"/etc/a": b"3"})
    commits = filled.path / "commits/pbx/kamailio"
    if damage == "record":
        flip(commits / "2.json")
    elif damage == "gap":
        (commits / "2.json").unlink()
    else:
        next(commits.glob("2.*.sig")).unlink()
    result = verify(filled, SECRET, level=2)
    assert result["verdict"] == "damaged"
    named = {finding["object"] for finding in result["findings"]}
    assert named <= {f"commits/pbx/kamailio/{number}.json" for number in (2, 3)}, result["findings"]
    assert result["checked"]["contents"] >= 3


def test_no_time_at_all(filled):
    result = verify(filled, max_duration=0)
    assert result["remaining"] > 0 and result["verdict"] == "self_consistent"


def test_check_mode_checks_and_writes_nothing(filled):
    before = {path: path.read_bytes() for path in filled.path.rglob("*") if path.is_file()}
    given = {"repository": str(filled.path), "level": 1}
    assert run_module("repository_verify", given, check=True)["checked"]["objects"] > 0
    assert {path: path.read_bytes() for path in filled.path.rglob("*") if path.is_file()} == before
    run_module("repository_verify", given)
    assert {path for path in filled.path.rglob("*") if path.is_file()} - set(before) == {
        filled.path / "journal/verified.json"
    }


def test_a_wrong_secret(filled):
    from ansible_collections.ucops.recovery.plugins.module_utils._errors import WrongKey

    with pytest.raises(WrongKey):
        verify(filled, "wrong horse battery staple", level=2)


def relied_on(repository, *generations, **options):
    return verify(repository, generations=list(generations), **options)


def test_only_what_somebody_relies_on_is_read(filled):
    result = relied_on(filled, "pbx/kamailio/2", max_age="1h")
    assert result.get("failed") is not True, result
    assert set(result["heads"]) == {"pbx/kamailio"}
    assert result["checked"]["objects"] == 3 and result["checked"]["generations"] == 2
    (one,) = result["generations"]
    assert (one["id"], one["status"], one["phase"]) == ("pbx/kamailio/2", "complete", "manual")
    assert 0 <= one["age"] < 3600
    # it is about little, so it is no hint for the next run
    assert not (filled.path / "journal" / "verified.json").exists()


def test_what_nobody_relies_on_may_be_damaged(filled):
    record = filled.backup({"/etc/a": os.urandom(100)}).record
    (sha,) = [name for name in record.objects if not verify_needs(filled, name)]
    flip(filled.path / object_name(sha))
    assert relied_on(filled, "pbx/kamailio/2")["verdict"] == "self_consistent"
    damaged = relied_on(filled, "pbx/kamailio/2", "pbx/kamailio/3")
    assert damaged["error"] == "RepositoryDamaged" and sha in damaged["msg"]
    assert [one["id"] for one in damaged["generations"]] == ["pbx/kamailio/2", "pbx/kamailio/3"]


def test_what_is_relied_on_and_is_not_there_or_not_complete_is_a_finding(filled):
    filled.backup({"/etc/a": b"4"}, status="partial", missing=["config"])
    assert "There is no such generation" in relied_on(filled, "pbx/kamailio/9")["msg"]
    assert "is not complete: it lacks config" in relied_on(filled, "pbx/kamailio/3")["msg"]
    assert "There is no such generation" in relied_on(filled, "nobody/kamailio/1")["msg"]


@pytest.mark.parametrize(("later", "text"), [(7200, "is 2 h old, and 1 h is allowed"), (-60, "date in the future")])
def test_what_is_relied_on_may_be_too_old(filled, monkeypatch, later, text):
    now = time.time() + later
    monkeypatch.setattr(repository_verify.time, "time", lambda: now)
    result = relied_on(filled, "pbx/kamailio/2", max_age="1h")
    assert result["error"] == "GenerationTooOld" and text in result["msg"] and result["verdict"] == "self_consistent"


def test_level_two_opens_what_is_relied_on(filled):
    result = verify(filled, SECRET, level=2, generations=["pbx/kamailio/2"])
    assert result.get("failed") is not True and result["checked"]["contents"] == 1, result


def test_a_generation_is_named_in_full(filled):
    assert relied_on(filled, "pbx")["error"] == "OptionInvalid"
    assert "mutually exclusive" in relied_on(filled, "pbx/kamailio/1", source="pbx")["msg"]
