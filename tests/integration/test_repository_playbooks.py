# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules of the repository in real playbooks: the controller keeps the secret, the backup host gets keys."""

from __future__ import annotations

import json
import stat
import subprocess

import pytest
from support.playbooks import Controller
from support.repositories import TestRepository

from ansible_collections.ucops.recovery.plugins.module_utils._repository import owner
from ansible_collections.ucops.recovery.plugins.module_utils._repository.backends.local import LocalBackend
from ansible_collections.ucops.recovery.plugins.module_utils._repository.format import object_name

SECRET = "quite a long Secret for tests"
OTHER = "another long Secret for tests"
FILES = {"/etc/app/app.conf": b"listen 5060\npassword=hunter2hunter2\n", "/etc/app/gr\u00fc\u00dfe": b"x"}
CHANGED = {**FILES, "/etc/app/app.conf": b"listen 5061\npassword=hunter3hunter3\n"}


class Site:
    """A controller, a backup host, and a repository that a playbook made."""

    def __init__(self, folder):
        self.controller = Controller(folder)
        self.backup_host = folder / "backup1"
        self.backup_host.mkdir()
        self.path = self.backup_host / "repository"
        self.writer_key_file = self.backup_host / "writer.json"
        self.defaults = {"repository": str(self.path)}

    def play(self, *tasks, arguments=(), **how):
        named = [task if "name" in task else {"name": f"task {number}", **task} for number, task in enumerate(tasks, 1)]
        return self.controller.play(named, *arguments, defaults={**self.defaults, **how.pop("defaults", {})}, **how)

    def create(self, **options):
        return {"ucops.recovery.repository": {"writer_key_file": str(self.writer_key_file), **options}}

    @property
    def identity(self):
        return owner.unlock(owner.read_state(LocalBackend(str(self.path))), SECRET)[0].text


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A site with two generations; nobody changes its repository."""
    site = Site(tmp_path_factory.mktemp("site"))
    play = site.play(site.create(domain_master_secret=SECRET, writer_name="backup1"))
    assert play.code == 0, play.output
    site.allowed_signers = play["task 1"]["allowed_signers"]
    store = TestRepository(site.path, site.writer_key_file, site.allowed_signers)
    store.backup(FILES, product="linux", change_id="CHG1", phase="pre_change")
    site.record = store.backup(CHANGED, product="linux", change_id="CHG1", phase="post_change").record
    site.heads = {"pbx/linux": site.record.hash}
    return site


def test_a_repository_is_made_shown_rotated_and_left_alone(site):
    options = {"generate_domain_master_secret_file": "secret.txt", "recovery_card_file": "card.html"}
    play = site.play(
        {"check_mode": True, **site.create(**options)},
        site.create(),
        site.create(**options),
        site.create(**options),
        {"ucops.recovery.repository_info": {}},
        site.create(domain_master_secret=OTHER),
        site.create(
            domain_master_secret=OTHER,
            previous_domain_master_secret="{{ lookup('ansible.builtin.file', 'secret.txt') }}",
        ),
        site.create(domain_master_secret=OTHER),
        {"ucops.recovery.repository_verify": {}},
    )
    would, offered, made, again, info, refused, rotated, left, verified = (play[f"task {n}"] for n in range(1, 10))
    assert would["changed"] is True and "repository_id" not in would
    assert "generate_domain_master_secret_file" in offered["msg"]
    assert made["changed"] is True and again["changed"] is False, play.output
    assert made["writer"]["name"] == "backup1"
    assert info["owner"] == made["owner"] and info["sources"] == []
    assert refused["status"] == "failed" and refused["error"] == "WrongKey"
    assert rotated["changed"] is True and left["changed"] is False
    assert verified["verdict"] == "self_consistent"
    secret = (site.controller.folder / "secret.txt").read_text().strip()
    assert stat.S_IMODE((site.controller.folder / "secret.txt").stat().st_mode) == 0o600
    assert made["owner_fingerprint"] in (site.controller.folder / "card.html").read_text()
    assert secret not in play.output and OTHER not in play.output
    assert stat.S_IMODE(site.writer_key_file.stat().st_mode) == 0o600


def test_generations_are_found_compared_opened_and_verified(filled, tmp_path):
    dest = tmp_path / "out"
    extract = {"generation": "pbx/linux/latest", "dest": str(dest)}
    play = filled.play(
        {"ucops.recovery.generation_info": {"change_id": "CHG1", "phase": "pre_change"}},
        {"ucops.recovery.generation_diff": {"generation": "pbx/linux/2"}, "diff": True},
        {"ucops.recovery.generation_extract": extract, "check_mode": True},
        {"ucops.recovery.generation_extract": extract},
        {"ucops.recovery.generation_extract": extract},
        {"ucops.recovery.repository_verify": {"level": 2}},
        variables={"secret": SECRET},
        defaults={
            "domain_master_secret": "{{ secret }}",
            "allowed_signers": filled.allowed_signers,
            "expected_heads": filled.heads,
        },
        arguments=("-vvvv",),
    )
    # it needs nothing that unlocks, and gets nothing of the group's defaults
    assert [generation["id"] for generation in play["task 1"]["generations"]] == ["pbx/linux/1"], play.output
    difference, would, extracted, again, verified = (play[f"task {n}"] for n in range(2, 7))
    assert "-listen 5060\n" in difference["text"] and "+listen 5061\n" in difference["text"], play.output
    assert "+listen 5061" in play.output
    assert would["changed"] is True and extracted["changed"] is True and again["changed"] is False
    assert (dest / "etc/app/app.conf").read_bytes() == CHANGED["/etc/app/app.conf"]
    assert (dest / "etc/app/gr\u00fc\u00dfe").read_bytes() == b"x"
    assert verified["verdict"] == "authentic" and verified["checked"]["contents"] > 0, verified
    for secret in (SECRET, filled.identity, "hunter2hunter2", "hunter3hunter3"):
        assert secret not in play.output
    # the keys of the objects are in no result either, only that there were some
    assert "file_keys" not in json.dumps(play.results)


def test_a_typing_error_beside_a_secret_shows_no_secret(filled):
    options = {"domain_master_secret": SECRET, "pasword": OTHER}
    play = filled.play({"ucops.recovery.generation_info": options}, arguments=("-vvvv",))
    assert "Unsupported parameters: pasword" in play["task 1"]["msg"], play.output
    assert SECRET not in play.output and OTHER not in play.output


def test_what_unlocks_may_come_from_vaults_and_files(filled, tmp_path):
    folder = filled.controller.folder
    (folder / "vault-password").write_text("vault password\n")
    (folder / "identity.txt").write_text(filled.identity + "\n")
    (folder / "signers").write_text(filled.allowed_signers)
    (folder / "heads.json").write_text(json.dumps(filled.heads))
    vault = filled.controller.ansible("ansible-vault")
    password = ("--vault-password-file", "vault-password")
    filled.controller.run([vault, "encrypt", *password, "identity.txt"])
    filled.controller.run([vault, "encrypt_string", *password, "--name", "secret", "--output", "vars.yml", SECRET])
    extract = "ucops.recovery.generation_extract"
    play = filled.play(
        {extract: {"dest": str(tmp_path / "one"), "domain_master_secret": "{{ secret }}"}},
        {extract: {"dest": str(tmp_path / "two"), "identity_file": "identity.txt"}},
        {extract: {"dest": str(tmp_path / "three"), "identity": filled.identity}},
        defaults={"generation": "pbx/linux/1", "allowed_signers": "signers", "expected_heads": "heads.json"},
        arguments=("-e", "@vars.yml", "--vault-password-file", "vault-password", "-vvvv"),
    )
    for number in (1, 2):
        assert play[f"task {number}"]["changed"] is True, play.output
    assert play["task 3"]["changed"] is True
    assert SECRET not in play.output
    assert (tmp_path / "two/etc/app/app.conf").read_bytes() == FILES["/etc/app/app.conf"]
    assert "AGE-SECRET-KEY-1" not in (folder / "identity.txt").read_text()


@pytest.mark.parametrize(
    "settings",
    [{"arguments": ("-e", "ansible_pipelining=false")}, {"settings": {"ANSIBLE_KEEP_REMOTE_FILES": "1"}}],
    ids=["pipelining off", "files kept"],
)
def test_without_pipelining_nothing_is_unsealed(filled, tmp_path, settings):
    extract = {"generation": "pbx/linux/1", "dest": str(tmp_path / "out"), "domain_master_secret": SECRET}
    play = filled.play({"ucops.recovery.generation_extract": extract}, **settings)
    assert play["task 1"]["status"] == "failed" and "ansible_pipelining: true" in play["task 1"]["msg"], play.output
    assert not (tmp_path / "out").exists()


def test_what_is_refused(filled, tmp_path):
    extract = {"generation": "pbx/linux/1", "dest": str(tmp_path / "out")}
    module = "ucops.recovery.generation_extract"
    play = filled.play(
        {module: extract},
        {module: {**extract, "domain_master_secret": OTHER}},
        {module: {**extract, "domain_master_secret": 1234567890}},
        {module: {**extract, "domain_master_secret": SECRET, "identity": filled.identity}},
        {module: {**extract, "domain_master_secret": SECRET, "expected_heads": {"pbx/linux": "0" * 64}}},
        {module: {**extract, "file_keys": {}, "unseal_stage": "open"}},
        {module: {**extract, "domain_master_secret": SECRET}, "async": 60, "poll": 5},
        {module: {**extract, "domain_master_secret": SECRET, "identity_file": "nowhere"}},
        {"ucops.recovery.repository_verify": {"level": 2}},
        {"ucops.recovery.repository_verify": {"repository": str(tmp_path)}},
        arguments=("-vvvv",),
    )
    errors = [play[f"task {number}"].get("error") for number in range(1, 11)]
    assert errors == [
        "KeyRequired",
        "WrongKey",
        "OptionInvalid",
        "OptionInvalid",
        "RolledBack",
        "OptionInvalid",
        None,
        "OptionInvalid",
        "KeyRequired",
        "RepositoryMissing",
    ], play.output
    assert "does not support async" in play["task 7"]["msg"]
    assert not (tmp_path / "out").exists()
    for number in range(1, 11):
        shown = json.dumps(play[f"task {number}"])
        assert SECRET not in shown and OTHER not in shown and filled.identity not in shown


def test_damage_fails_the_task_and_is_named(filled, tmp_path):
    import shutil

    copy = tmp_path / "repository"
    shutil.copytree(filled.path, copy)
    victim = copy / object_name(filled.record.manifest[0])
    data = bytearray(victim.read_bytes())
    data[-1] ^= 1
    victim.chmod(0o600)
    victim.write_bytes(data)
    options = {"repository": str(copy), "domain_master_secret": SECRET}
    play = filled.play(
        {"ucops.recovery.repository_verify": {**options, "level": 2}},
        {"ucops.recovery.generation_extract": {**options, "generation": "pbx/linux/2", "dest": str(tmp_path / "out")}},
    )
    assert play["task 1"]["verdict"] == "damaged" and filled.record.manifest[0] in play["task 1"]["msg"], play.output
    assert play["task 2"]["error"] == "RepositoryDamaged" and filled.record.manifest[0] in play["task 2"]["msg"]
    assert not (tmp_path / "out").exists()


def test_hold_prune_and_copy(site):
    key = site.backup_host / "prune_key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)], check=True)
    janitor = {"name": "janitor", "public_key": key.with_suffix(".pub").read_text().strip(), "roles": ["prune"]}
    made = site.play(site.create(domain_master_secret=SECRET, writer_name="backup1", signers=[janitor]))
    assert made.code == 0, made.output
    signers = made["task 1"]["allowed_signers"]
    store = TestRepository(site.path, site.writer_key_file, signers)
    for number in range(4):
        store.backup({"/etc/app/app.conf": b"listen 506%d" % number}, product="linux")
    held = {"generation": "pbx/linux/1", "writer_key_file": str(site.writer_key_file), "kind": "change"}
    prune = {"ucops.recovery.repository_prune": {"last": 1, "allow_many": True, "prune_key_file": str(key)}}
    (site.controller.folder / "allowed").write_text(signers)
    play = site.play(
        {"ucops.recovery.generation_hold": {**held, "change_id": "CHG1"}},
        {"check_mode": True, **prune},
        prune,
        {
            "ucops.recovery.repository_copy": {
                "repository": str(site.backup_host / "copy"),
                "source_repository": str(site.path),
                "allowed_signers": "allowed",
            }
        },
        {"ucops.recovery.generation_info": {}},
        {"ucops.recovery.repository_verify": {"allowed_signers": "allowed"}},
        # what opens the repository may stand in the defaults of the group, and reaches none of these modules
        defaults={"domain_master_secret": SECRET},
    )
    assert play.code == 0, play.output
    assert play["task 1"]["holds"][0]["actor"] and play["task 1"]["changed"] is True
    assert play["task 2"]["pruned"] == play["task 3"]["pruned"] == ["pbx/linux/2", "pbx/linux/3"]
    assert play["task 4"]["generations_total"] == 4
    shown = {one["id"]: one for one in play["task 5"]["generations"]}
    assert shown["pbx/linux/2"]["pruned"]["by"] == "janitor" and shown["pbx/linux/1"]["holds"][0]["change_id"] == "CHG1"
    assert play["task 6"]["verdict"] == "authentic"
    assert SECRET not in play.output
