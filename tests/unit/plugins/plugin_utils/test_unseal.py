# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleConnectionFailure
from support.repositories import SECRET, TestRepository

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    NotAuthentic,
    OptionInvalid,
    RepositoryDamaged,
    SignatureInvalid,
    WrongKey,
)
from ansible_collections.ucops.recovery.plugins.module_utils._module import argspec
from ansible_collections.ucops.recovery.plugins.module_utils._module.argspec import ArgumentSpec
from ansible_collections.ucops.recovery.plugins.module_utils._repository import age, owner
from ansible_collections.ucops.recovery.plugins.module_utils._repository.chain import load_record
from ansible_collections.ucops.recovery.plugins.module_utils._repository.format import GenerationId
from ansible_collections.ucops.recovery.plugins.module_utils._repository.reader import GenerationReader, sealed_headers
from ansible_collections.ucops.recovery.plugins.module_utils._repository.sshsig import SigningKey
from ansible_collections.ucops.recovery.plugins.plugin_utils.unseal import (
    BackupAction,
    KeylessAction,
    RestoreAction,
    UnsealingAction,
    name_actor,
    open_request,
    take_unlock_options,
)

IDENTITY = age.X25519Identity.generate()


def request_of(repository, generation="pbx/kamailio/1", kind="headers"):
    record = load_record(repository.backend, GenerationId.parse(generation))
    state = owner.read_state(repository.backend)
    headers = sealed_headers(repository.backend, [record])
    return {
        "state": owner.RepositoryState(state.keyring, state.keyring_signature, state.slots).to_json(),
        "headers": {},
        "useful_headers": {},
        kind: {sha: base64.b64encode(header).decode() for sha, header in headers.items()},
    }


@pytest.fixture
def filled(repository):
    repository.backup({"/etc/a": b"content"})
    return repository


# --- opening ---------------------------------------------------------------------------------------------------------
def test_the_secret_gives_the_keys_of_exactly_what_was_asked_for(filled):
    filled.backup({"/etc/a": b"other"})
    keys = open_request(request_of(filled), SECRET, filled.allowed_signers)
    record = load_record(filled.backend, GenerationId.parse("pbx/kamailio/1"))
    assert set(keys) == {record.manifest[0], *record.objects}
    with GenerationReader(filled.backend, record, keys) as reader:
        assert [reader.read(stored) for stored in reader.entries()] == [b"content"]


def test_an_identity_gives_the_keys_too(filled):
    identities = owner.unlock(owner.read_state(filled.backend), SECRET)
    assert open_request(request_of(filled), identities, None) == open_request(request_of(filled), SECRET, None)


def test_a_wrong_secret(filled):
    with pytest.raises(WrongKey, match="does not open this repository"):
        open_request(request_of(filled), "wrong horse battery staple", None)


@pytest.mark.parametrize("kind", ["headers", "useful_headers"])
def test_a_wrong_identity(filled, kind):
    with pytest.raises(WrongKey, match="None of the identities"):
        open_request(request_of(filled, kind=kind), [IDENTITY], None)


def test_an_owner_that_the_operator_does_not_know(filled, tmp_path):
    stranger = TestRepository.create(tmp_path / "stranger")
    with pytest.raises(NotAuthentic, match="owner"):
        open_request(request_of(filled), SECRET, stranger.allowed_signers)


def test_a_keyring_that_somebody_else_signed(filled, tmp_path):
    stranger = TestRepository.create(tmp_path / "stranger")
    stranger.backup({"/etc/a": b"x"})
    request = request_of(filled)
    request["state"]["keyring_signature"] = request_of(stranger)["state"]["keyring_signature"]
    for signers in (None, filled.allowed_signers):
        with pytest.raises((NotAuthentic, SignatureInvalid)):
            open_request(request, SECRET, signers)


def test_a_keyring_of_another_repository_with_the_same_secret(filled, tmp_path):
    stranger = TestRepository.create(tmp_path / "stranger")
    stranger.backup({"/etc/a": b"x"})
    request = request_of(filled)
    request["state"] = request_of(stranger)["state"]
    with pytest.raises(NotAuthentic):
        open_request(request, SECRET, filled.allowed_signers)
    # without trust it is noticed that this identity opens none of these objects
    with pytest.raises(WrongKey):
        open_request(request, SECRET, None)


def test_a_slot_that_was_swapped(filled, tmp_path):
    stranger = TestRepository.create(tmp_path / "stranger")
    stranger.backup({"/etc/a": b"x"})
    request = request_of(filled)
    (theirs,) = request_of(stranger)["state"]["slots"].values()
    request["state"]["slots"] = dict.fromkeys(request["state"]["slots"], theirs)
    with pytest.raises(RepositoryDamaged, match="not what the keyring lists"):
        open_request(request, SECRET, None)


def test_a_slot_that_is_missing(filled):
    request = request_of(filled)
    request["state"]["slots"] = {}
    with pytest.raises(RepositoryDamaged, match="missing"):
        open_request(request, SECRET, None)


def broken(header):
    data = bytearray(base64.b64decode(header))
    data[-10] ^= 1
    return base64.b64encode(data).decode()


def test_a_broken_header_is_named_or_left_to_the_module(filled):
    request = request_of(filled)
    name = sorted(request["headers"])[0]
    request["headers"][name] = broken(request["headers"][name])
    with pytest.raises(RepositoryDamaged, match=f"objects/{name[:2]}/{name}"):
        open_request(request, SECRET, None)
    request = {**request, "headers": {}, "useful_headers": request["headers"]}
    assert set(open_request(request, SECRET, None)) == set(request["useful_headers"]) - {name}


def test_what_is_useful_and_damaged_takes_nothing_from_what_is_wanted(filled):
    filled.backup({"/etc/a": b"other"})
    request = request_of(filled)
    others = request_of(filled, "pbx/kamailio/2")["headers"]
    request["useful_headers"] = {
        name: broken(header) for name, header in others.items() if name not in request["headers"]
    }
    assert request["useful_headers"]
    assert set(open_request(request, SECRET, None)) == set(request["headers"])


def test_nothing_that_opens_is_an_error_even_when_damage_is_left_to_the_module(filled):
    request = request_of(filled, kind="useful_headers")
    request["useful_headers"] = {name: broken(header) for name, header in request["useful_headers"].items()}
    with pytest.raises(RepositoryDamaged):
        open_request(request, SECRET, None)


def test_nothing_asked_for_is_fine(filled):
    assert open_request({**request_of(filled), "headers": {}}, SECRET, None) == {}


# --- options ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("nothing", [{}, {"identity": None}, {"domain_master_secret": ""}])
def test_nothing_to_unlock(files, nothing):
    options = {"repository": "/r", **nothing}
    assert take_unlock_options(options, files) is None
    assert options == {"repository": "/r"}


def test_what_unlocks_is_taken_out_of_the_options(files, tmp_path):
    (tmp_path / "controller/key").write_text(f"# created\n{IDENTITY.text}\n")
    for given, taken in (
        ({"domain_master_secret": SECRET}, SECRET),
        ({"identity": IDENTITY.text}, [IDENTITY]),
        ({"identity_file": "key"}, [IDENTITY]),
    ):
        options = {"repository": "/r", **given}
        assert take_unlock_options(options, files) == taken
        assert options == {"repository": "/r"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"domain_master_secret": SECRET, "identity": IDENTITY.text}, "Only one of domain_master_secret, identity"),
        ({"domain_master_secret": 123456789}, "domain_master_secret is a int and not text.*quotes"),
        ({"identity": "AGE-SECRET-KEY-1NONSENSE"}, "not an age identity"),
        ({"identity": "# nothing\n"}, "identity holds no age identity"),
        ({"identity_file": "missing"}, "identity_file"),
    ],
)
def test_what_cannot_unlock(files, given, message):
    with pytest.raises(OptionInvalid, match=message) as caught:
        take_unlock_options(dict(given), files)
    for value in given.values():
        assert str(value).strip() == "missing" or str(value) not in str(caught.value)


@pytest.mark.parametrize(
    ("task_vars", "actor", "job"),
    [
        ({}, "somebody", None),
        ({"awx_user_name": "anna", "awx_job_id": 42}, "anna", "42"),
        ({"tower_user_name": "bert", "tower_job_id": "43"}, "bert", "43"),
    ],
)
def test_who_does_it(monkeypatch, task_vars, actor, job):
    monkeypatch.setattr("getpass.getuser", lambda: "somebody")
    options = {}
    name_actor(options, task_vars)
    assert (options["actor"], options.get("job")) == (actor, job)
    options = {"actor": "cron", "job": "night"}
    name_actor(options, task_vars)
    assert options == {"actor": "cron", "job": "night"}


def test_nobody_can_be_named(monkeypatch):
    def nobody():
        raise KeyError("uid 4711")

    monkeypatch.setattr("getpass.getuser", nobody)
    options = {}
    name_actor(options, {})
    assert options == {"actor": "unknown"}


# --- the action ------------------------------------------------------------------------------------------------------
SPEC = ArgumentSpec().merge(argspec.repository(), argspec.unlock(), argspec.trust(), argspec.change())


class Scripted:
    """An action whose module is a function."""

    def __init__(self, action_class, loader, answer, *, options, pipelining=True, diff=False):
        self.sent = []
        connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
        task = SimpleNamespace(args=options, async_val=0, check_mode=False, diff=diff, action="ucops.recovery.x")
        self.action = action_class(task, connection, None, loader, None, None)
        self.action.spec = SPEC
        self.action._is_pipelining_enabled = lambda module_style: pipelining and module_style == "new"

        def execute(module_args, task_vars):
            self.sent.append(module_args)
            return answer(module_args)

        self.action._execute_module = execute

    def run(self):
        return self.action.run(task_vars={})


def unsealing(repository):
    def answer(options):
        if options.get("unseal_stage") == "request":
            return {"changed": False, "unseal": request_of(repository)}
        shown = {"repository": "/r", "file_keys": "x", "unseal_stage": "open"}
        return {"changed": True, "invocation": {"module_args": shown}}

    return answer


OPTIONS = {"repository": "/r", "domain_master_secret": SECRET}


def test_two_stages_and_no_secret_in_either(filled, loader):
    scripted = Scripted(UnsealingAction, loader, unsealing(filled), options=OPTIONS)
    result = scripted.run()
    assert result == {"changed": True, "invocation": {"module_args": {"repository": "/r"}}}
    first, second = scripted.sent
    assert first == {"repository": "/r", "unseal_stage": "request"}
    assert second["unseal_stage"] == "open" and set(second) == {"repository", "unseal_stage", "file_keys"}
    assert len(second["file_keys"]) == 2
    assert SECRET not in str(scripted.sent) + str(result) and "AGE-SECRET" not in str(scripted.sent)
    assert scripted.action._task.args == OPTIONS


def test_without_anything_to_unlock_the_module_runs_once(filled, loader):
    scripted = Scripted(UnsealingAction, loader, unsealing(filled), options={"repository": "/r"}, pipelining=False)
    assert scripted.run()["changed"] is True
    assert scripted.sent == [{"repository": "/r"}]


@pytest.mark.parametrize("action_class", [UnsealingAction, RestoreAction])
def test_without_pipelining_nothing_is_sent(filled, loader, action_class):
    scripted = Scripted(action_class, loader, unsealing(filled), options=OPTIONS, pipelining=False)
    result = scripted.run()
    assert result["failed"] is True and result["error"] == "OptionInvalid"
    assert "ansible_pipelining: true" in result["msg"] and scripted.sent == []


def test_a_wrong_secret_sends_nothing_but_the_question(filled, loader):
    options = {**OPTIONS, "domain_master_secret": "wrong horse battery staple"}
    scripted = Scripted(UnsealingAction, loader, unsealing(filled), options=options)
    result = scripted.run()
    assert (result["failed"], result["changed"], result["error"]) == (True, False, "WrongKey")
    assert [sent["unseal_stage"] for sent in scripted.sent] == ["request"]
    assert "wrong horse" not in str(result)


def test_a_failing_first_stage_is_the_result(loader):
    scripted = Scripted(UnsealingAction, loader, lambda options: {"failed": True, "msg": "no"}, options=OPTIONS)
    assert scripted.run() == {"failed": True, "msg": "no"}
    assert len(scripted.sent) == 1


@pytest.mark.parametrize("option", ["file_keys", "unseal_stage"])
def test_internal_options_are_not_for_playbooks(loader, option):
    scripted = Scripted(UnsealingAction, loader, lambda options: {}, options={"repository": "/r", option: "open"})
    assert "not for playbooks" in scripted.run()["msg"] and scripted.sent == []


def test_a_lost_connection_stays_one(loader):
    def answer(options):
        raise AnsibleConnectionFailure("gone")

    with pytest.raises(AnsibleConnectionFailure):
        Scripted(UnsealingAction, loader, answer, options=OPTIONS).run()


def test_a_mistake_of_ours_tells_no_secret(loader):
    def answer(options):
        return {"unseal": {"state": SECRET}}

    result = Scripted(UnsealingAction, loader, answer, options=OPTIONS).run()
    assert result["error"] == "Unexpected" and SECRET not in str(result)


def test_a_backup_asks_for_keys_only_to_show_differences(filled, loader):
    without = Scripted(BackupAction, loader, unsealing(filled), options=OPTIONS, pipelining=False)
    assert without.run()["changed"] is True
    (sent,) = without.sent
    assert set(sent) == {"repository", "actor"}
    showing = Scripted(BackupAction, loader, unsealing(filled), options=OPTIONS, diff=True)
    showing.run()
    assert [sent["unseal_stage"] for sent in showing.sent] == ["request", "open"]


def test_a_backup_is_made_also_when_all_that_it_asked_for_is_damaged(filled, loader):
    def answer(options):
        if options.get("unseal_stage") != "request":
            return {"changed": True}
        request = request_of(filled, kind="useful_headers")
        damaged = {name: broken(one) for name, one in request["useful_headers"].items()}
        return {"unseal": {**request, "useful_headers": damaged}}

    backup = Scripted(BackupAction, loader, answer, options=OPTIONS, diff=True)
    assert backup.run()["changed"] is True
    assert backup.sent[-1]["file_keys"] == {}
    assert Scripted(UnsealingAction, loader, answer, options=OPTIONS).run()["error"] == "RepositoryDamaged"


def test_trust_is_resolved_on_the_controller(filled, loader, tmp_path):
    (tmp_path / "controller/signers").write_text(filled.allowed_signers)
    (tmp_path / "controller/heads.json").write_text('{"pbx/kamailio": "ab"}')
    options = {**OPTIONS, "allowed_signers": "signers", "expected_heads": "heads.json"}
    scripted = Scripted(UnsealingAction, loader, unsealing(filled), options=options)
    assert scripted.run()["changed"] is True
    for sent in scripted.sent:
        assert sent["allowed_signers"] == filled.allowed_signers
        assert sent["expected_heads"] == {"pbx/kamailio": "ab"}


def test_trust_that_does_not_fit_opens_nothing(filled, loader):
    signers = f'owner namespaces="ucops-recovery-keyring" {SigningKey.generate().public}\n'
    scripted = Scripted(UnsealingAction, loader, unsealing(filled), options={**OPTIONS, "allowed_signers": signers})
    assert scripted.run()["error"] == "NotAuthentic" and len(scripted.sent) == 1


def test_options_that_the_module_does_not_know_are_never_sent(loader):
    options = {**OPTIONS, "password": "hunter2", "pasword": "hunter2"}
    scripted = Scripted(UnsealingAction, loader, lambda options: {}, options=options)
    result = scripted.run()
    assert result["msg"].startswith("Unsupported parameters: password, pasword.") and "file_keys" not in result["msg"]
    assert scripted.sent == [] and "hunter2" not in str(result)


def test_a_module_without_keys_gets_none_from_the_groups_defaults(loader):
    options = {**OPTIONS, "identity": "AGE-SECRET-KEY-1", "allowed_signers": "nowhere", "expected_heads": "nowhere"}
    scripted = Scripted(KeylessAction, loader, lambda options: {"changed": False}, options=options, pipelining=False)
    scripted.action.spec = argspec.repository()
    assert scripted.run() == {"changed": False}
    assert scripted.sent == [{"repository": "/r"}]
