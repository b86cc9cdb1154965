# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import pathlib
import re
import stat
import subprocess
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._errors import AlreadyExists, OptionInvalid, WeakSecret
from ansible_collections.ucops.recovery.plugins.module_utils._repository import keys, sshsig
from ansible_collections.ucops.recovery.plugins.module_utils._repository.age import X25519Identity

IDENTITY = X25519Identity(bytes(range(32)))
OWNER = keys.owner_key(IDENTITY).public
DIGEST = keys.recipients_digest([IDENTITY.recipient])


def hkdf(key: bytes, info: bytes) -> bytes:
    """RFC 5869 with SHA-256, no salt, one block: written here once more as an oracle."""
    return hmac.digest(hmac.digest(bytes(32), key, "sha256"), info + b"\1", "sha256")


def test_owner_key_is_derived_and_stays_so() -> None:
    seed = hkdf(IDENTITY.secret, b"ucops.recovery owner key v1")
    assert keys.owner_key(IDENTITY).seed == seed
    # the format depends on this value for ever
    assert sshsig.fingerprint(OWNER) == "SHA256:y3UelRiLmAp6+RcAI2IjkncGejZs14A0RobLwkk80yQ"
    assert keys.owner_key(X25519Identity(bytes(range(1, 33)))).public != OWNER


def test_recipients_digest_is_what_stock_tools_compute() -> None:
    recipients = ["age1bbb", "age1aaa", "age1bbb"]
    command = "printf '%s\\n' age1bbb age1aaa age1bbb | LC_ALL=C sort -u | sha256sum"
    expected = subprocess.run(["sh", "-c", command], capture_output=True, check=True).stdout.decode().split()[0]
    assert keys.recipients_digest(recipients) == expected
    assert keys.recipients_digest(["age1aaa"]) != expected


# --- the writer's key ------------------------------------------------------------------------------------------------
def test_writer_key_is_bound_once_the_repository_is_known(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "writer.json")
    key = keys.WriterKey.generate("backup-1")
    assert not key.is_pinned
    key.save(path)
    assert keys.WriterKey.load(path).to_json() == key.to_json()
    pinned = key.with_pins("ab" * 16, OWNER + " comment", DIGEST)
    assert pinned.is_pinned
    assert (pinned.repository_id, pinned.owner, pinned.recipients_digest) == ("ab" * 16, OWNER, DIGEST)
    assert (pinned.public, pinned.fingerprint_key) == (key.public, key.fingerprint_key)
    pinned.save(path, replace=True)
    assert keys.WriterKey.load(path).to_json() == pinned.to_json()
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert os.listdir(tmp_path) == ["writer.json"]


def test_writer_key_file_is_never_overwritten_by_accident(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "writer.json")
    key = keys.WriterKey.generate("backup-1")
    key.save(path)
    with pytest.raises(AlreadyExists):
        keys.WriterKey.generate("backup-1").save(path)
    assert keys.WriterKey.load(path).public == key.public
    assert os.listdir(tmp_path) == ["writer.json"]


def test_a_failed_save_leaves_nothing(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError):
        keys.WriterKey.generate("backup-1").save(str(tmp_path / "writer.json"))
    assert os.listdir(tmp_path) == []


def test_the_file_mode_does_not_depend_on_umask(tmp_path: pathlib.Path) -> None:
    before = os.umask(0o777)
    try:
        keys.WriterKey.generate("backup-1").save(str(tmp_path / "writer.json"))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "writer.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610])
def test_a_key_that_others_may_read_is_refused(tmp_path: pathlib.Path, mode: int) -> None:
    path = tmp_path / "writer.json"
    keys.WriterKey.generate("backup-1").save(str(path))
    path.chmod(mode)
    with pytest.raises(OptionInvalid, match="read by others") as caught:
        keys.WriterKey.load(str(path))
    assert caught.value.item == str(path)


def test_what_is_no_key_file_is_refused(tmp_path: pathlib.Path) -> None:
    with pytest.raises(OptionInvalid, match="no writer key file"):
        keys.WriterKey.load(str(tmp_path / "missing"))
    with pytest.raises(OptionInvalid, match="cannot be read"):
        keys.WriterKey.load(str(tmp_path))
    with pytest.raises(OptionInvalid, match="not a regular file"):
        keys.WriterKey.load("/dev/null")


GOOD = keys.WriterKey.generate("backup-1").with_pins("ab" * 16, OWNER, DIGEST).to_json()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "nonsense",
        "[" * 20000,
        json.dumps({**GOOD, "format": 2}),
        json.dumps({**GOOD, "kind": "another"}),
        json.dumps({**GOOD, "name": 7}),
        json.dumps({**GOOD, "signing_seed": "AAAA"}),
        json.dumps({**GOOD, "signing_seed": 3}),
        json.dumps({**GOOD, "fingerprint_key": "AAAA"}),
        json.dumps({**GOOD, "fingerprint_key": "\n!"}),
        *(
            json.dumps({key: value for key, value in GOOD.items() if key != left_out})
            for left_out in sorted(GOOD)
            if left_out != "public"
        ),
    ],
    ids=lambda text: f"{len(text)} characters",
)
def test_a_broken_key_file_is_refused_without_its_content(tmp_path: pathlib.Path, text: str) -> None:
    path = tmp_path / "writer.json"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(OptionInvalid, match="not a writer key file") as caught:
        keys.WriterKey.load(str(path))
    assert GOOD["signing_seed"] not in str(caught.value)


def test_secrets_do_not_show() -> None:
    key = keys.WriterKey.from_json(GOOD)
    assert repr(key.fingerprint_key) not in repr(key)
    assert GOOD["signing_seed"] not in repr(key)


@pytest.mark.parametrize("name", ["", "two words", "a,b", "a*", 'a"', "ä", "a\n"])
def test_a_name_that_cannot_be_a_principal_is_refused(name: str) -> None:
    with pytest.raises(OptionInvalid):
        keys.WriterKey.generate(name)


def test_derived_keys() -> None:
    key = keys.WriterKey.generate("backup-1")
    assert key.source_key("pbx ä") == hkdf(key.fingerprint_key, b"ucops.recovery source key v1\0" + "pbx ä".encode())
    assert key.placeholder_key("pbx") == hkdf(key.fingerprint_key, b"ucops.recovery placeholder key v1\0pbx")
    derived = [
        key.source_key("a"),
        key.source_key("b"),
        key.placeholder_key("a"),
        key.placeholder_key("b"),
        key.fingerprint_key,
    ]
    assert len(set(derived)) == 5
    digest = hashlib.sha256(b"content").digest()
    assert key.fingerprint(derived[0], digest) == hmac.digest(derived[0], digest, "sha256")
    assert re.fullmatch(r"[0-9a-f]{16}", key.fingerprint_key_id)
    assert key.fingerprint_key_id != keys.WriterKey.generate("backup-1").fingerprint_key_id
    assert key.fingerprint_key_id == key.with_pins("ab" * 16, OWNER, DIGEST).fingerprint_key_id


# --- the Domain Master Secret ----------------------------------------------------------------------------------------
def test_generated_secrets_are_strong_and_can_be_typed() -> None:
    seen = {keys.generate_secret() for _number in range(200)}
    assert len(seen) == 200
    for secret in seen:
        assert re.fullmatch(r"[2-9a-hjkmnp-x]{4}(\.[2-9a-hjkmnp-x]{4}){6}", secret)
        assert keys.judge_secret(secret) == []
    used = set("".join(seen)) - {"."}
    assert len(used) ** 28 > 2**128


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=40))
def test_composed_and_decomposed_secrets_are_the_same(text: str) -> None:
    assert keys.secret_bytes(unicodedata.normalize("NFD", text)) == keys.secret_bytes(
        unicodedata.normalize("NFC", text)
    )


@pytest.mark.parametrize("text", ["with\nbreak", "tab\tinside", "null\0inside", "\ud800 alone", "line\u2028break"])
def test_what_cannot_be_typed_is_refused(text: str) -> None:
    with pytest.raises(OptionInvalid):
        keys.secret_bytes(text)
    with pytest.raises(OptionInvalid):
        keys.judge_secret(text)


@pytest.mark.parametrize("text", ["", "seven77", "u\u0308" * 7])
def test_below_eight_characters_is_refused(text: str) -> None:
    with pytest.raises(WeakSecret) as caught:
        keys.judge_secret(text)
    assert not text or text not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("xK9#mQ2p", "short"),
        ("MyStarface!2026-berlin", "tried first"),
        ("xyxyxyxyxyxyxyxyxyxy", "few different"),
        ("8402957136620184", "digits only"),
        ("abcdefghijklmnopqrst", "neighbouring"),
        ("tsrqponmlkjihgfedcba", "neighbouring"),
        (" quarz-vogel-lampe-7341", "blank"),
        ("vögel-lampe-quarz-7341", "keyboard"),
    ],
)
def test_weak_secrets_are_warned_about(text: str, warning: str) -> None:
    (found,) = [sentence for sentence in keys.judge_secret(text) if warning in sentence]
    assert text not in found


@pytest.mark.parametrize("text", ["quarz-vogel-lampe-7341", "correct horse battery staple"])
def test_good_secrets_are_not_warned_about(text: str) -> None:
    assert keys.judge_secret(text) == []


def test_secrets_in_key_files_are_base64() -> None:
    assert len(base64.b64decode(GOOD["signing_seed"])) == len(base64.b64decode(GOOD["fingerprint_key"])) == 32
