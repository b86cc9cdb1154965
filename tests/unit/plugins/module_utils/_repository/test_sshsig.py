# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import contextlib
import pathlib
import shutil
import subprocess
from datetime import datetime, timedelta, timezone

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid, SignatureInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._repository import sshsig

KEY = sshsig.SigningKey.from_seed(bytes(range(32)))
OTHER = sshsig.SigningKey.from_seed(bytes(range(1, 33)))
NAMESPACE = "ucops-recovery-commit"
MESSAGE = b"a record\n"

needs_ssh_keygen = pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="ssh-keygen is not installed")


def ssh_verify(
    folder: pathlib.Path, allowed: str, armored: bytes, principal: str, namespace: str, message: bytes
) -> bool:
    (folder / "allowed").write_text(allowed)
    (folder / "sig").write_bytes(armored)
    command = ["ssh-keygen", "-Y", "verify", "-f", str(folder / "allowed"), "-I", principal, "-n", namespace]
    done = subprocess.run(command + ["-s", str(folder / "sig")], input=message, capture_output=True, check=False)
    return done.returncode == 0


@needs_ssh_keygen
@pytest.mark.parametrize("message", [b"", MESSAGE, bytes(range(256)) * 1000], ids=["empty", "short", "long"])
def test_ssh_keygen_verifies_our_signatures(tmp_path: pathlib.Path, message: bytes) -> None:
    allowed = f'backup-1 namespaces="{NAMESPACE},another" {KEY.public} a comment\n'
    armored = KEY.sign(message, NAMESPACE)
    assert ssh_verify(tmp_path, allowed, armored, "backup-1", NAMESPACE, message)
    assert not ssh_verify(tmp_path, allowed, armored, "backup-1", NAMESPACE, message + b"x")
    assert not ssh_verify(tmp_path, allowed, armored, "backup-2", NAMESPACE, message)
    assert not ssh_verify(tmp_path, allowed, KEY.sign(message, "third"), "backup-1", "third", message)


@needs_ssh_keygen
@pytest.mark.parametrize("hash_name", ["sha512", "sha256"])
def test_we_verify_signatures_of_ssh_keygen(tmp_path: pathlib.Path, hash_name: str) -> None:
    private = Ed25519PrivateKey.from_private_bytes(KEY.seed).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    (tmp_path / "key").write_bytes(private)
    (tmp_path / "key").chmod(0o600)
    command = ["ssh-keygen", "-Y", "sign", "-f", str(tmp_path / "key"), "-n", NAMESPACE, "-O", f"hashalg={hash_name}"]
    armored = subprocess.run(command, input=MESSAGE, capture_output=True, check=True).stdout
    assert sshsig.verify(MESSAGE, armored, NAMESPACE) == KEY.public
    if hash_name == "sha512":
        assert armored == KEY.sign(MESSAGE, NAMESPACE)


@needs_ssh_keygen
def test_fingerprint_is_the_one_of_ssh_keygen(tmp_path: pathlib.Path) -> None:
    (tmp_path / "key.pub").write_text(KEY.public + "\n")
    shown = subprocess.run(["ssh-keygen", "-l", "-f", str(tmp_path / "key.pub")], capture_output=True, check=True)
    assert shown.stdout.decode().split()[1] == sshsig.fingerprint(KEY.public)


def test_keys() -> None:
    assert KEY.seed == bytes(range(32))
    assert KEY.public.startswith("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA")
    assert sshsig.SigningKey.generate().seed != sshsig.SigningKey.generate().seed
    assert base64.b64encode(KEY.seed).decode() not in repr(KEY)
    with pytest.raises(OptionInvalid):
        sshsig.SigningKey.from_seed(b"short")
    with pytest.raises(OptionInvalid):
        KEY.sign(b"", "")


@pytest.mark.parametrize(
    "text",
    ["", "ssh-ed25519", "ssh-ed25519 !!", "ssh-rsa AAAA", "ssh-ed25519 AAAA", KEY.public[:-4], KEY.public + "AAAA"],
)
def test_a_broken_public_key_is_refused(text: str) -> None:
    with pytest.raises(OptionInvalid):
        sshsig.parse_public(text)


def test_a_public_key_loses_its_comment() -> None:
    assert sshsig.parse_public(f"{KEY.public} root@backup") == KEY.public


@given(st.binary(max_size=100), st.text(min_size=1, max_size=20), st.binary(min_size=32, max_size=32))
def test_sign_and_verify(message: bytes, namespace: str, seed: bytes) -> None:
    key = sshsig.SigningKey.from_seed(seed)
    armored = key.sign(message, namespace)
    assert sshsig.verify(message, armored, namespace) == key.public
    with pytest.raises(SignatureInvalid, match="does not fit"):
        sshsig.verify(message + b"x", armored, namespace)
    with pytest.raises(SignatureInvalid, match="and not for"):
        sshsig.verify(message, armored, namespace + "x")


SIGNATURE = KEY.sign(MESSAGE, NAMESPACE)
BLOB = sshsig._dearmor(SIGNATURE)


def armor(blob: bytes) -> bytes:
    return b"-----BEGIN SSH SIGNATURE-----\n" + base64.b64encode(blob) + b"\n-----END SSH SIGNATURE-----\n"


@given(st.data())
def test_changed_signatures_never_verify_and_never_crash(data: st.DataObject) -> None:
    changed = bytearray(BLOB)
    start = data.draw(st.integers(0, len(changed)))
    end = data.draw(st.integers(start, min(len(changed), start + 40)))
    changed[start:end] = data.draw(st.binary(max_size=40))
    if changed == BLOB:
        return
    with pytest.raises(SignatureInvalid):
        sshsig.verify(MESSAGE, armor(bytes(changed)), NAMESPACE)


@given(st.binary(max_size=200))
def test_any_bytes_are_no_signature(data: bytes) -> None:
    for text in (data, armor(data), armor(b"SSHSIG\0\0\0\1" + data), SIGNATURE + data.strip() + b"x"):
        with pytest.raises(SignatureInvalid):
            sshsig.verify(MESSAGE, text, NAMESPACE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"SSHSIG\0\0\0\1", b"SSHSIG\0\0\0\2"),
        (b"SSHSIG", b"SSHSIX"),
        (b"\0\0\0\6sha512", b"\0\0\0\4sha1"),
        (b"S\0\0\0\x0bssh-ed25519\0\0\0\x40", b"S\0\0\0\x0bssh-ed25518\0\0\0\x40"),
    ],
)
def test_other_versions_and_kinds_are_refused(old: bytes, new: bytes) -> None:
    assert BLOB.count(old) == 1
    with pytest.raises(SignatureInvalid):
        sshsig.verify(MESSAGE, armor(BLOB.replace(old, new)), NAMESPACE)


# --- allowed signers -------------------------------------------------------------------------------------------------
NOW = datetime(2026, 6, 1, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("line", "principals"),
    [
        ("owner {key}", ["owner"]),
        ("owner,backup {key} with a comment", ["owner", "backup"]),
        ('owner namespaces="ucops-recovery-commit" {key}', ["owner"]),
        ('owner namespaces="a,ucops-recovery-*" {key}', ["owner"]),
        ('owner namespaces="ucops-recovery-*,!ucops-recovery-commit" {key}', []),
        ('owner namespaces="ucops-recovery-prune" {key}', []),
        ('owner namespaces="ucops-recovery-[c]ommit" {key}', []),
        ('owner NAMESPACES="ucops-recovery-commit",valid-after="20260101" {key}', ["owner"]),
        ('owner valid-after="20260601000001Z" {key}', []),
        ('owner valid-before="20260601000000Z" {key}', ["owner"]),
        ('owner valid-before="202605312359Z" {key}', []),
        ('owner valid-after="20260531235959Z",valid-before="20270101" {key}', ["owner"]),
        ("owner cert-authority {key}", []),
        ('"two words" {key}', ["two words"]),
        ("owner {other}", []),
        ("owner ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ==", []),
        ("  # owner {key}", []),
        ("owner\t{key}", ["owner"]),
    ],
)
def test_allowed_signers(line: str, principals: list[str]) -> None:
    text = f"\n# who may\n{line.format(key=KEY.public, other=OTHER.public)}\n"
    allowed = sshsig.AllowedSigners.parse(text)
    assert allowed.principals_of(KEY.public + " comment", NAMESPACE, at=NOW) == principals


def test_allowed_signers_of_several_lines() -> None:
    text = f"one,two {KEY.public}\nthree {OTHER.public}\ntwo,four {KEY.public}\n"
    assert sshsig.AllowedSigners.parse(text).principals_of(KEY.public, NAMESPACE) == ["one", "two", "four"]


def test_validity_is_judged_by_now() -> None:
    ended = (datetime.now(timezone.utc) - timedelta(days=2)).strftime("%Y%m%d")
    allowed = sshsig.AllowedSigners.parse(f'owner valid-before="{ended}" {KEY.public}')
    assert allowed.principals_of(KEY.public, NAMESPACE) == []


@pytest.mark.parametrize(
    "line",
    [
        "owner",
        "owner ssh-ed25519",
        "owner ssh-ed25519 AAAA",
        'owner namespaces="a {key}',
        "owner namespaces= {key}",
        'owner unknown="x" {key}',
        'owner valid-after="soon" {key}',
        'owner valid-after="2026" {key}',
        "owner no-touch-required,,x {key}",
        'owner namespaces="a"',
    ],
)
def test_a_line_that_cannot_be_read_is_named(line: str) -> None:
    with pytest.raises(OptionInvalid, match="Line 2 of"):
        sshsig.AllowedSigners.parse(f"owner {KEY.public}\n{line.format(key=KEY.public)}\n")


@given(st.text(max_size=100))
def test_any_text_is_read_or_refused(text: str) -> None:
    for line in (text, "owner " + text, "owner namespaces=" + text + KEY.public):
        with contextlib.suppress(OptionInvalid):
            sshsig.AllowedSigners.parse(line)


@needs_ssh_keygen
@pytest.mark.parametrize(
    "options",
    [
        "",
        'namespaces="ucops-recovery-commit"',
        'namespaces="other"',
        'namespaces="ucops-*"',
        'namespaces="ucops-*,!ucops-recovery-commit"',
        'namespaces="?cops-recovery-commi?"',
        'valid-after="20200101",valid-before="20210101"',
        'valid-after="20200101Z"',
        'valid-before="20200101120000"',
    ],
)
def test_the_verdict_is_the_one_of_ssh_keygen(tmp_path: pathlib.Path, options: str) -> None:
    line = f"owner {options} {KEY.public}\n"
    theirs = ssh_verify(tmp_path, line, SIGNATURE, "owner", NAMESPACE, MESSAGE)
    ours = bool(sshsig.AllowedSigners.parse(line).principals_of(KEY.public, NAMESPACE))
    assert ours == theirs
