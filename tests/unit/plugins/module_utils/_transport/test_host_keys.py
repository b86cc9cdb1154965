# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import subprocess

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    HostKeyMismatch,
    HostKeyUnknown,
    OptionInvalid,
)
from ansible_collections.ucops.recovery.plugins.module_utils._transport.host_keys import (
    HostKey,
    fingerprint,
    known_host,
)


def make_key(kind: str = "ssh-ed25519", fill: int = 1) -> HostKey:
    blob = len(kind).to_bytes(4, "big") + kind.encode() + b"\0\0\0\x20" + bytes([fill]) * 32
    return HostKey(kind, blob)


def line(key: HostKey) -> str:
    return f"{key.kind} {base64.b64encode(key.blob).decode()}"


GOOD, OTHER, RSA = make_key(), make_key(fill=2), make_key("ssh-rsa", 3)


def known(tmp_path, text: str, host: str = "pbx", port: int = 22):
    path = tmp_path / "known_hosts"
    path.write_text(text)
    return known_host(host, port, str(path), None)


@pytest.mark.parametrize(
    ("names", "host", "port"),
    [
        ("pbx", "pbx", 22),
        ("other,pbx", "PBX", 22),
        ("[pbx]:2222", "pbx", 2222),
        ("*.example.org", "pbx.example.org", 22),
        ("pb?", "pbx", 22),
        ("[10.0.0.*]:2222", "10.0.0.7", 2222),
        ("2001:db8::1", "2001:db8::1", 22),
    ],
)
def test_a_known_key_is_accepted(tmp_path, names, host, port):
    text = f"# comment\n\n{names} {line(GOOD)} comment\n"
    known(tmp_path, text, host, port).check(GOOD, host, port)


@pytest.mark.parametrize(
    ("names", "host", "port"),
    [("pbx", "pbx", 2222), ("[pbx]:2222", "pbx", 22), ("*,!pbx", "pbx", 22), ("pbx2", "pbx", 22), ("p", "pbx", 22)],
)
def test_names_that_do_not_fit_make_an_unknown_host(tmp_path, names, host, port):
    with pytest.raises(HostKeyUnknown) as caught:
        known(tmp_path, f"{names} {line(GOOD)}\n", host, port).check(GOOD, host, port)
    text = str(caught.value)
    assert host in text
    assert "ssh-ed25519" in text
    assert fingerprint(GOOD.blob) in text


def test_hashed_names_of_openssh_are_understood(tmp_path):
    path = tmp_path / "known_hosts"
    path.write_text(f"pbx {line(GOOD)}\n[pbx]:2222 {line(OTHER)}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(path)], check=True, capture_output=True)
    assert "pbx" not in path.read_text()
    known_host("pbx", 22, str(path), None).check(GOOD, "pbx", 22)
    known_host("pbx", 2222, str(path), None).check(OTHER, "pbx", 2222)
    with pytest.raises(HostKeyUnknown):
        known_host("other", 22, str(path), None).check(GOOD, "other", 22)


def test_a_changed_key_is_refused_with_both_fingerprints(tmp_path):
    with pytest.raises(HostKeyMismatch) as caught:
        known(tmp_path, f"pbx {line(GOOD)}\n").check(OTHER, "pbx", 22)
    assert fingerprint(GOOD.blob) in str(caught.value)
    assert fingerprint(OTHER.blob) in str(caught.value)


def test_another_kind_of_key_is_a_changed_key(tmp_path):
    with pytest.raises(HostKeyMismatch):
        known(tmp_path, f"pbx {line(GOOD)}\n").check(RSA, "pbx", 22)


def test_a_revoked_key_is_refused_even_when_it_is_known(tmp_path):
    with pytest.raises(HostKeyMismatch, match="revoked"):
        known(tmp_path, f"pbx {line(GOOD)}\n@revoked * {line(GOOD)}\n").check(GOOD, "pbx", 22)


def test_an_authority_is_no_key_of_a_host(tmp_path):
    with pytest.raises(HostKeyUnknown):
        known(tmp_path, f"@cert-authority pbx {line(GOOD)}\n").check(GOOD, "pbx", 22)


def test_kinds_tell_what_to_ask_for(tmp_path):
    assert known(tmp_path, f"pbx {line(RSA)}\npbx {line(GOOD)}\nother {line(OTHER)}\n").kinds() == [
        "ssh-rsa",
        "ssh-ed25519",
    ]


@pytest.mark.parametrize("broken", ["pbx ssh-ed25519 AAAA", "pbx ssh-ed25519 !!!", "|1|x|y ssh-ed25519 AAAA", "pbx"])
def test_broken_lines_make_nothing_known(tmp_path, broken):
    with pytest.raises(HostKeyUnknown):
        known(tmp_path, broken + "\n").check(GOOD, "pbx", 22)


@pytest.mark.parametrize(
    "pin",
    [
        line(GOOD),
        line(GOOD) + " root@pbx",
        fingerprint(GOOD.blob),
        fingerprint(GOOD.blob) + "=",
        f"{line(RSA)}\n{line(GOOD)}\n",
    ],
)
def test_a_pinned_key_is_accepted_and_nothing_else(pin):
    one = known_host("pbx", 22, None, pin)
    one.check(GOOD, "pbx", 22)
    with pytest.raises(HostKeyMismatch) as caught:
        one.check(OTHER, "pbx", 22)
    assert fingerprint(GOOD.blob) in str(caught.value)
    assert fingerprint(OTHER.blob) in str(caught.value)


def test_a_pin_wins_over_the_file(tmp_path):
    path = tmp_path / "known_hosts"
    path.write_text(f"pbx {line(OTHER)}\n")
    known_host("pbx", 22, str(path), line(GOOD)).check(GOOD, "pbx", 22)


@pytest.mark.parametrize("pin", ["ssh-ed25519", "yes", "SHA256:short", "MD5:00:11", "ssh-rsa " + line(GOOD).split()[1]])
def test_a_pin_that_is_none_is_refused(pin):
    with pytest.raises(OptionInvalid):
        known_host("pbx", 22, None, pin)


def test_without_anything_known_it_is_said_what_to_set():
    with pytest.raises(OptionInvalid, match="known_hosts_file, or host_key"):
        known_host("pbx", 22, None, None)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(OptionInvalid, match="nothing_here"):
        known_host("pbx", 22, str(tmp_path / "nothing_here"), None)


def test_a_file_that_changes_is_read_again(tmp_path):
    assert known(tmp_path, f"pbx {line(GOOD)}\n").keys == (GOOD,)
    assert known(tmp_path, f"pbx {line(OTHER)}\n{'#' * 10}\n").keys == (OTHER,)
    (tmp_path / "known_hosts").unlink()
    with pytest.raises(OptionInvalid, match="cannot be read"):
        known_host("pbx", 22, str(tmp_path / "known_hosts"), None)


def test_plain_names_and_patterns_keep_the_order_of_the_file(tmp_path):
    text = f"*.example.org {line(RSA)}\npbx.example.org,pbx {line(GOOD)}\n* {line(OTHER)}\n"
    assert known(tmp_path, text, "pbx.example.org").keys == (RSA, GOOD, OTHER)
    assert known(tmp_path, text, "pbx").keys == (GOOD, OTHER)
