# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The repository module with its action in front, without Ansible in between."""

from __future__ import annotations

import json
import os
import pathlib
import stat
from types import SimpleNamespace

import pytest
from support.modules import run_module

from ansible_collections.ucops.recovery.plugins.module_utils._module.repository import SPEC
from ansible_collections.ucops.recovery.plugins.module_utils._repository import age, owner
from ansible_collections.ucops.recovery.plugins.module_utils._repository.backends.local import LocalBackend
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keyring import check_pinned, load_keyring
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keys import WriterKey
from ansible_collections.ucops.recovery.plugins.module_utils._repository.sshsig import SigningKey
from ansible_collections.ucops.recovery.plugins.plugin_utils import owner_actions

SECRET = "correct horse battery staple"
OTHER = "another horse battery staple"
DOCUMENTS = {"FORMAT.md": b"format", "RECOVERY.md": b"recovery", "recover.py": b"recover"}


@pytest.fixture(autouse=True)
def cheap_passphrases(monkeypatch):
    real = owner._seal_slot
    monkeypatch.setattr(owner, "_seal_slot", lambda identities, name, secret, _cost: real(identities, name, secret, 2))


class Place:
    """A controller and a backup host, and the tasks that one runs on the other."""

    def __init__(self, tmp_path: pathlib.Path, loader):
        self.backup_host = tmp_path / "backup1"
        self.backup_host.mkdir()
        self.controller = tmp_path / "controller"
        self.repository = self.backup_host / "repository"
        self.writer_key_file = self.backup_host / "writer.json"
        self.documents = dict(DOCUMENTS)
        self.sent = []
        self._loader = loader

    def run(self, *, check=False, diff=False, **options):
        given = {"repository": str(self.repository), "writer_key_file": str(self.writer_key_file), **options}
        task = SimpleNamespace(
            args=given,
            async_val=0,
            check_mode=check,
            diff=diff,
            action="ucops.recovery.repository",
            delegate_to="backup1",
        )
        connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
        action = owner_actions.OwnerAction(task, connection, None, self._loader, None, None)
        action.spec = SPEC

        def execute(module_args, task_vars):
            self.sent.append(module_args)
            return run_module("repository", module_args, check=check, diff=diff)

        action._execute_module = execute
        return action.run(task_vars={"inventory_hostname": "pbx"})

    def good(self, **how):
        result = self.run(**how)
        assert result.get("failed") is not True, result
        return result

    @property
    def keyring(self):
        return load_keyring(LocalBackend(str(self.repository)))

    @property
    def key(self):
        return WriterKey.load(str(self.writer_key_file))

    def opens(self, secret):
        return owner.unlock(owner.read_state(LocalBackend(str(self.repository))), secret)

    def files(self):
        return {
            str(path.relative_to(self.backup_host)): path.read_bytes()
            for path in self.backup_host.rglob("*")
            if path.is_file()
        }


@pytest.fixture
def place(tmp_path, loader, monkeypatch):
    made = Place(tmp_path, loader)
    monkeypatch.setattr(owner_actions, "documents", lambda: made.documents)
    return made


@pytest.fixture
def created(place):
    place.good(domain_master_secret=SECRET)
    place.sent.clear()
    return place


# --- creation --------------------------------------------------------------------------------------------------------
def test_creation(place):
    result = place.good(domain_master_secret=SECRET)
    assert result["changed"] is True
    assert result["actions"] == [
        "made a writer key",
        "created the repository",
        "bound the writer key to the repository",
    ]
    keyring = place.keyring
    assert result["repository_id"] == keyring.repository_id and result["owner"] == keyring.owner
    assert result["owner_fingerprint"].startswith("SHA256:")
    assert result["writer"] == {"name": "backup1", "public_key": place.key.public}
    assert [recipient["kind"] for recipient in result["recipients"]] == ["restore"]
    assert [(signer["name"], signer["revoked"]) for signer in result["signers"]] == [("backup1", "false")]
    assert keyring.owner in result["allowed_signers"] and result["secret_warnings"] == []
    assert place.opens(SECRET) and result["slots"] == list(keyring.slots)
    assert (place.repository / "recover.py").read_bytes() == b"recover"
    check_pinned(keyring, place.key)


def test_the_secret_never_reaches_the_backup_host(place):
    place.good(domain_master_secret=SECRET, recovery_card_file="card.txt")
    identity = place.opens(SECRET)[0]
    everything = json.dumps(place.sent) + repr(place.files())
    for secret in (SECRET, identity.text, identity.secret.hex()):
        assert secret not in everything
    assert all(set(sent) <= {"repository", "writer_key_file", "stage", "writer_name", "plans"} for sent in place.sent)


def test_the_writer_key_stays_on_the_backup_host(place):
    result = place.good(domain_master_secret=SECRET)
    content = json.loads(place.writer_key_file.read_text())
    assert stat.S_IMODE(place.writer_key_file.stat().st_mode) == 0o600
    for secret in (content["signing_seed"], content["fingerprint_key"]):
        assert secret not in json.dumps(result) + json.dumps(place.sent)


def test_a_second_run_changes_nothing(created):
    before = created.files()
    result = created.good(domain_master_secret=SECRET)
    assert result["changed"] is False and result["actions"] == [] and created.files() == before
    assert [sent["stage"] for sent in created.sent] == ["inspect"]


def test_check_mode_makes_nothing(place):
    result = place.good(domain_master_secret=SECRET, check=True, recovery_card_file="card.txt")
    assert result["changed"] is True and "created the repository" in result["actions"]
    assert place.files() == {} and os.listdir(place.controller) == []
    assert result["writer"] == {"name": "backup1", "public_key": ""}
    assert "repository_id" not in result and "allowed_signers" not in result


def test_check_mode_of_a_second_run(created):
    result = created.good(domain_master_secret=SECRET, check=True)
    assert result["changed"] is False and result["repository_id"] == created.keyring.repository_id


def test_without_a_secret_a_strong_one_is_offered(place):
    result = place.run()
    assert result["failed"] is True and result["error"] == "OptionInvalid"
    assert "generate_domain_master_secret_file" in result["msg"] and place.files() == {}


def test_a_generated_secret_is_private_strong_and_used(place):
    options = {"generate_domain_master_secret_file": "secret.txt"}
    result = place.good(**options)
    path = place.controller / "secret.txt"
    secret = path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(secret.strip()) > 28 and result["secret_warnings"] == []
    assert place.opens(secret.strip()) and secret.strip() not in json.dumps(result)
    assert place.good(**options)["changed"] is False
    assert path.read_text() == secret


def test_check_mode_generates_no_file(place):
    assert place.good(check=True, generate_domain_master_secret_file="secret.txt")["changed"] is True
    assert os.listdir(place.controller) == []


def test_a_lost_secret_file_is_not_replaced_by_a_new_secret(created):
    result = created.run(generate_domain_master_secret_file="secret.txt")
    assert result["error"] == "OptionInvalid" and "is missing" in result["msg"]
    assert os.listdir(created.controller) == []


def test_an_empty_secret_file(place):
    (place.controller / "secret.txt").write_text("\n")
    assert "empty" in place.run(generate_domain_master_secret_file="secret.txt")["msg"]


@pytest.mark.parametrize(
    ("secret", "error"), [("short", "WeakSecret"), (12345678, "OptionInvalid"), ("line\nbreak", "OptionInvalid")]
)
def test_secrets_that_are_none(place, secret, error):
    result = place.run(domain_master_secret=secret)
    assert result["error"] == error and place.files() == {}


def test_a_weak_secret_is_warned_about(place):
    result = place.good(domain_master_secret="passwort1")
    assert len(result["secret_warnings"]) >= 2 and "weak" in result["warnings"][0]
    assert "passwort1" not in json.dumps(result)


def test_a_second_creation_over_an_existing_one(created):
    before = created.files()
    result = created.run(domain_master_secret=OTHER)
    assert result["error"] == "WrongKey" and "There is a repository already" in result["msg"]
    assert "previous_domain_master_secret" in result["msg"] and created.files() == before


def test_a_wrong_secret_leaves_no_writer_key_behind(created):
    created.writer_key_file = created.backup_host / "writer2.json"
    assert created.run(domain_master_secret=OTHER)["error"] == "WrongKey"
    assert not created.writer_key_file.exists()


def test_a_failing_module_is_the_result(place, monkeypatch):
    (place.repository / "keys").mkdir(parents=True)
    (place.repository / "keys/keyring.json").write_bytes(b"{}")
    result = place.run(domain_master_secret=SECRET)
    assert result["failed"] is True and result["error"] == "RepositoryDamaged" and len(place.sent) == 1


def test_a_writer_key_of_another_repository(created, tmp_path):
    created.repository = created.backup_host / "second"
    result = created.run(domain_master_secret=SECRET)
    assert result["error"] == "RepositoryMissing" and "volume mounted" in result["msg"]
    created.writer_key_file = created.backup_host / "writer2.json"
    created.good(domain_master_secret=OTHER)
    created.repository = created.backup_host / "repository"
    result = created.run(domain_master_secret=SECRET)
    assert result["error"] == "RepositoryExists" and "another repository" in result["msg"]


def test_a_writer_key_within_the_repository(place):
    place.writer_key_file = place.repository / "writer.json"
    place.repository.mkdir()
    assert "would lie in the repository" in place.run(domain_master_secret=SECRET)["msg"]


def test_a_writer_key_without_a_folder(place):
    place.writer_key_file = place.backup_host / "nowhere/writer.json"
    result = place.run(domain_master_secret=SECRET)
    assert "folder of the writer key file does not exist" in result["msg"] and place.files() == {}


def test_a_writer_key_that_others_can_read(created):
    created.writer_key_file.chmod(0o644)
    assert "can be read by others" in created.run(domain_master_secret=SECRET)["msg"]


# --- changes ---------------------------------------------------------------------------------------------------------
def test_rotation(created):
    result = created.good(domain_master_secret=OTHER, previous_domain_master_secret=SECRET)
    assert result["actions"] == ["replaced the Domain Master Secret"] and created.opens(OTHER)
    again = created.good(domain_master_secret=OTHER, previous_domain_master_secret=SECRET)
    assert again["changed"] is False


def test_rotation_to_a_generated_secret(created):
    created.good(generate_domain_master_secret_file="new.txt", previous_domain_master_secret=SECRET)
    assert created.opens((created.controller / "new.txt").read_text().strip())


def test_rotation_in_check_mode(created):
    before = created.files()
    result = created.good(domain_master_secret=OTHER, previous_domain_master_secret=SECRET, check=True)
    assert result["actions"] == ["replaced the Domain Master Secret"] and created.files() == before


def test_recipients(created):
    escrow = {"name": "safe", "recipient": age.X25519Identity.generate().recipient}
    result = created.good(domain_master_secret=SECRET, recipients=[escrow])
    assert result["actions"] == ["changed the recipients", "bound the writer key to the repository"]
    check_pinned(created.keyring, created.key)
    assert created.good(domain_master_secret=SECRET, recipients=[escrow])["changed"] is False
    assert created.good(domain_master_secret=SECRET)["changed"] is False
    assert created.good(domain_master_secret=SECRET, recipients=[])["changed"] is True


def test_a_new_identity(created):
    owner_before = created.keyring.owner
    result = created.good(domain_master_secret=SECRET, rotate_identity=True)
    assert result["actions"] == ["made a new identity and owner key", "bound the writer key to the repository"]
    assert created.keyring.owner == result["owner"] != owner_before
    check_pinned(created.keyring, created.key)


def test_signers(created):
    public = SigningKey.generate().public
    pruner = {"name": "pruner", "public_key": public, "roles": ["prune"]}
    assert created.good(domain_master_secret=SECRET, signers=[pruner])["actions"] == ["changed the signers"]
    assert created.good(domain_master_secret=SECRET, signers=[pruner])["changed"] is False
    for revoked, told in ((True, "true"), ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"), (False, "false")):
        result = created.good(domain_master_secret=SECRET, signers=[{**pruner, "revoked": revoked}])
        assert result["signers"][1]["revoked"] == told


def test_documents_of_a_newer_release(created):
    created.documents["recover.py"] = b"newer"
    assert created.good(domain_master_secret=SECRET)["actions"] == ["renewed the documents"]
    assert (created.repository / "recover.py").read_bytes() == b"newer"


def test_a_second_backup_host(created):
    created.writer_key_file = created.backup_host / "writer2.json"
    result = created.good(domain_master_secret=SECRET)
    assert result["writer"]["name"] == "backup1-2" and len(result["signers"]) == 2
    result = created.good(domain_master_secret=SECRET, writer_name="ignored, as there is a key")
    assert result["writer"]["name"] == "backup1-2" and result["changed"] is False


def test_an_interrupted_run_is_finished(created):
    key = created.key
    unbound = WriterKey(key.name, key.signing_key, key.fingerprint_key)
    unbound.save(str(created.writer_key_file), replace=True)
    result = created.good(domain_master_secret=SECRET)
    assert result["actions"] == ["bound the writer key to the repository"]
    check_pinned(created.keyring, created.key)


def test_diff_mode(created):
    escrow = {"name": "safe", "recipient": age.X25519Identity.generate().recipient}
    for check in (True, False):
        diff = created.good(domain_master_secret=SECRET, recipients=[escrow], diff=True, check=check)["diff"]
        assert set(diff["after"]["recipients"]) - set(diff["before"]["recipients"]) == {"safe"}
    diff = created.good(domain_master_secret=SECRET, diff=True)["diff"]
    assert diff["before"] == diff["after"]


def test_diff_mode_of_a_creation(place):
    assert place.good(domain_master_secret=SECRET, diff=True, check=True)["diff"] == {"before": {}, "after": {}}
    diff = place.good(domain_master_secret=SECRET, diff=True)["diff"]
    assert diff["before"] == {} and diff["after"]["owner"] == place.keyring.owner


# --- the card --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["card.txt", "card.html"])
def test_the_recovery_card(created, name):
    import hashlib

    result = created.good(domain_master_secret=SECRET, recovery_card_file=name)
    assert result["actions"] == ["wrote the recovery card"]
    card = (created.controller / name).read_text()
    for fact in (result["owner_fingerprint"], result["repository_id"], hashlib.sha256(b"recover").hexdigest()):
        assert fact in card
    assert SECRET not in card
    assert created.good(domain_master_secret=SECRET, recovery_card_file=name)["changed"] is False
    (created.controller / name).unlink()
    assert created.good(domain_master_secret=SECRET, recovery_card_file=name, check=True)["changed"] is True
    assert not (created.controller / name).exists()


def test_a_card_of_another_kind(place):
    result = place.run(domain_master_secret=SECRET, recovery_card_file="card.pdf")
    assert "ends neither with .html nor with .txt" in result["msg"] and place.sent == []


# --- what is refused -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stage": "apply"}, "not for playbooks"),
        ({"plans": []}, "not for playbooks"),
        ({"recipients": [{"name": "x"}]}, "recipient"),
        ({"recipients": [{"name": "x", "recipient": "age1nonsense"}]}, "age1nonsense"),
        ({"signers": [{"name": "x", "public_key": "ssh-ed25519 AAAA", "roles": ["king"]}]}, "king"),
        ({"signers": [{"name": "x", "public_key": "ssh-rsa AAAA", "roles": ["prune"]}]}, "Ed25519"),
        ({"generate_domain_master_secret_file": "x"}, "mutually exclusive"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_options_that_cannot_be(place, options, message):
    result = place.run(domain_master_secret=SECRET, **options)
    assert result["failed"] is True and message in result["msg"], result
    assert SECRET not in json.dumps(result) and place.files() == {}


def test_the_module_without_its_action(place):
    given = {"repository": str(place.repository), "writer_key_file": str(place.writer_key_file)}
    for options in (
        {},
        {"domain_master_secret": SECRET},
        {"stage": "inspect", "previous_domain_master_secret": SECRET},
    ):
        result = run_module("repository", {**given, **options})
        assert result["error"] == "OptionInvalid" and "without its action plugin" in result["msg"]
    assert place.files() == {}


def test_the_module_makes_nothing_in_check_mode(place):
    given = {"repository": str(place.repository), "writer_key_file": str(place.writer_key_file), "stage": "writer_key"}
    assert run_module("repository", {**given, "writer_name": "x"}, check=True)["failed"] is True
    assert place.files() == {}


def test_the_module_with_nothing_to_apply(created):
    given = {"repository": str(created.repository), "writer_key_file": str(created.writer_key_file), "stage": "apply"}
    assert "nothing to apply" in run_module("repository", given)["msg"]


def test_plans_for_another_repository_are_not_applied(created, tmp_path, loader):
    (tmp_path / "x").mkdir()
    other = Place(tmp_path / "x", loader)
    other.controller = created.controller
    before = created.files()
    other.good(domain_master_secret=SECRET)
    (plan,) = other.sent[-1]["plans"]
    given = {"repository": str(created.repository), "writer_key_file": str(created.writer_key_file), "stage": "apply"}
    result = run_module("repository", {**given, "plans": [plan]})
    assert result["error"] == "RepositoryExists" and created.files() == before
