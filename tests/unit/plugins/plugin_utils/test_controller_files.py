# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import stat

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.plugin_utils.controller_files import (
    allowed_signers,
    as_text,
    expected_heads,
)

SIGNERS = 'owner namespaces="ucops-recovery-keyring" ssh-ed25519 AAAA\n'


def test_relative_paths_are_next_to_the_playbook(files, tmp_path):
    (tmp_path / "controller/a").write_text("text \u00fc\n", encoding="utf-8")
    assert files.read("x", "a") == "text \u00fc\n"
    assert files.read("x", str(tmp_path / "controller/a")) == "text \u00fc\n"


def test_home_and_environment(files, tmp_path, monkeypatch):
    (tmp_path / "key").write_text("x")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KEYS", str(tmp_path))
    assert files.read("x", "~/key") == files.read("x", "$KEYS/key") == "x"


def test_a_vaulted_file_is_opened_in_memory(files, loader, tmp_path):
    secrets = [("default", VaultSecret(b"vault password"))]
    loader.set_vault_secrets(secrets)
    (tmp_path / "controller/key").write_bytes(VaultLib(secrets).encrypt(b"AGE-SECRET-KEY-1"))
    before = set(os.listdir(tmp_path / "controller"))
    assert files.read("identity_file", "key") == "AGE-SECRET-KEY-1"
    assert set(os.listdir(tmp_path / "controller")) == before


def test_a_vaulted_file_without_its_password(files, tmp_path):
    secrets = [("default", VaultSecret(b"vault password"))]
    (tmp_path / "controller/key").write_bytes(VaultLib(secrets).encrypt(b"AGE-SECRET-KEY-1"))
    with pytest.raises(OptionInvalid, match="identity_file"):
        files.read("identity_file", "key")


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read(files, tmp_path, content):
    if content is not None:
        (tmp_path / "controller/key").write_bytes(content)
    with pytest.raises(OptionInvalid, match=f"{tmp_path}/controller/key: The file that identity_file names"):
        files.read("identity_file", "key")


def test_a_new_file_is_private_and_never_replaced(files, tmp_path):
    files.write_new("x", "secret", "one\n")
    path = tmp_path / "controller/secret"
    assert path.read_text() == "one\n" and stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(OptionInvalid, match="File exists"):
        files.write_new("x", "secret", "two\n")
    assert path.read_text() == "one\n"
    with pytest.raises(OptionInvalid, match="No such file"):
        files.write_new("x", "nowhere/secret", "x")


def test_replacing_leaves_one_file(files, tmp_path):
    files.replace("x", "card.txt", "one")
    files.replace("x", "card.txt", "two")
    assert os.listdir(tmp_path / "controller") == ["card.txt"]
    assert (tmp_path / "controller/card.txt").read_text() == "two"


@pytest.mark.parametrize("value", [12345678, 1.5, True, ["a"], {"a": 1}])
def test_a_secret_that_yaml_took_for_something_else(value):
    with pytest.raises(OptionInvalid) as caught:
        as_text("domain_master_secret", value)
    assert "1234" not in str(caught.value)


def test_allowed_signers_is_text_or_a_path(files, tmp_path):
    (tmp_path / "controller/signers").write_text(SIGNERS)
    assert allowed_signers(files, SIGNERS) == allowed_signers(files, "signers") == SIGNERS
    assert allowed_signers(files, SIGNERS.strip()) == SIGNERS.strip()
    for nothing in ("missing", "/"):
        with pytest.raises(OptionInvalid, match="allowed_signers"):
            allowed_signers(files, nothing)
    (tmp_path / "controller/signers").write_text("\n")
    with pytest.raises(OptionInvalid, match="empty"):
        allowed_signers(files, "signers")


def test_expected_heads_is_a_dictionary_or_a_path(files, tmp_path):
    heads = {"pbx/kamailio": "ab"}
    (tmp_path / "controller/heads").write_text(json.dumps(heads))
    assert expected_heads(files, heads) == expected_heads(files, "heads") == heads
    (tmp_path / "controller/heads").write_text("no json")
    with pytest.raises(OptionInvalid, match="not JSON"):
        expected_heads(files, "heads")
    for nothing in ([], {"a": 1}, 5):
        with pytest.raises(OptionInvalid, match="not a dictionary"):
            expected_heads(files, nothing)
