# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of WinRM are judged before anything is sent."""

from __future__ import annotations

import pytest
from support.certificates import Authority

from ansible_collections.ucops.recovery.plugins.module_utils._errors import LibraryMissing, OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._transport.winrm import WinRm
from ansible_collections.ucops.recovery.plugins.module_utils._transport.winrm_options import (
    WinRmOptions,
    judge,
    judge_kerberos,
)

LOGIN = {"host": "uc01", "username": "backup", "password": "Planted-Secret"}


def test_defaults_are_safe():
    options = WinRmOptions(**LOGIN)
    judge(options)
    assert options.endpoint == "https://uc01:5986/wsman"
    assert options.trusted


def test_endpoints():
    assert WinRmOptions(**LOGIN, scheme="http").endpoint == "http://uc01:5985/wsman"
    assert WinRmOptions(host="fe80::1", port=1).endpoint == "https://[fe80::1]:1/wsman"


def test_the_password_does_not_show():
    assert "Planted-Secret" not in repr(WinRmOptions(**LOGIN))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"scheme": "ftp"}, "winrm_scheme"),
        ({"authentication": "basic"}, "only ntlm, kerberos, certificate"),
        ({"password": None}, "username and password"),
        ({"username": ""}, "username and password"),
        ({"authentication": "certificate", "scheme": "http"}, "https only"),
        ({"authentication": "certificate"}, "client_certificate_file and client_key_file"),
        ({"ca_file": "/nonexistent"}, "No such file"),
        ({"ca_file": "/dev/null"}, "no certificates"),
    ],
)
def test_what_cannot_be_is_refused(changes, said):
    with pytest.raises(OptionInvalid, match=said) as caught:
        WinRm(WinRmOptions(**{**LOGIN, **changes}))
    assert caught.value.host == "uc01" and "Planted-Secret" not in str(caught.value)


def test_a_machine_without_authorities_needs_a_file(monkeypatch):
    monkeypatch.setattr(WinRmOptions, "trusted", "")
    with pytest.raises(OptionInvalid, match="set ca_file"):
        judge(WinRmOptions(**LOGIN))
    judge(WinRmOptions(**LOGIN, scheme="http"))


def test_files_of_certificates_are_looked_at(tmp_path):
    authority = Authority(tmp_path)
    file = str(authority.issue("backup"))
    login = {"host": "uc01", "authentication": "certificate"}
    judge(WinRmOptions(**login, ca_file=str(authority.file), client_certificate_file=file, client_key_file=file))
    with pytest.raises(OptionInvalid, match="unencrypted key"):
        judge(WinRmOptions(**login, client_certificate_file=file, client_key_file=str(authority.file)))


def test_an_encrypted_key_asks_nobody(tmp_path):
    from cryptography.hazmat.primitives import serialization

    file = Authority(tmp_path).issue("backup")
    key = serialization.load_pem_private_key(file.read_bytes(), None)
    locked = tmp_path / "locked.pem"
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"passphrase"),
        )
    )
    with pytest.raises(OptionInvalid, match="unencrypted key"):
        judge(
            WinRmOptions(
                "uc01", authentication="certificate", client_certificate_file=str(file), client_key_file=str(locked)
            )
        )


def test_kerberos_names_the_library():
    judge_kerberos(True, "uc01")
    with pytest.raises(LibraryMissing, match="pykerberos") as caught:
        judge_kerberos(False, "uc01")
    assert caught.value.hint
