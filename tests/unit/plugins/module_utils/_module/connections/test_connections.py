# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a module's options to transports. Nothing is connected: they open themselves on first use."""

from __future__ import annotations

import sys

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.ucops.recovery.plugins.module_utils._errors import LibraryMissing, OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._module import argspec
from ansible_collections.ucops.recovery.plugins.module_utils._module.all_parts import PARTS
from ansible_collections.ucops.recovery.plugins.module_utils._products.starface_ways import StarfaceWays
from ansible_collections.ucops.recovery.plugins.module_utils._transport.http import HttpTransport
from ansible_collections.ucops.recovery.plugins.module_utils._transport.ldap import LdapTransport
from ansible_collections.ucops.recovery.plugins.module_utils._transport.local import LocalTransport
from ansible_collections.ucops.recovery.plugins.module_utils._transport.smb import SmbFiles
from ansible_collections.ucops.recovery.plugins.module_utils._transport.ssh import SshTransport
from ansible_collections.ucops.recovery.plugins.module_utils._transport.tds import SqlServerTransport
from ansible_collections.ucops.recovery.plugins.module_utils._transport.windows import WindowsTransport
from ansible_collections.ucops.recovery.plugins.module_utils._transport.winrm import WinRm

KINDS = {
    "http": HttpTransport,
    "landing": LocalTransport,
    "starface": StarfaceWays,
    "ldap": LdapTransport,
    "mssql": SqlServerTransport,
    "ssh": SshTransport,
    "windows": WindowsTransport,
}
LOGIN = {"source": "uc1", "username": "LAB\\backup", "password": "p4ss"}
SQL = {**LOGIN, "username": "sa", "smb_username": "LAB\\files", "smb_password": "f1les", "database": "CHAT"}


def transport(product, **given):
    spec = argspec.source().merge(PARTS[product].spec())
    validated = ArgumentSpecValidator(**spec.to_kwargs()).validate(given)
    assert validated.error_messages == []
    return PARTS[product].transport(validated.validated_parameters)


def options_of(part):
    """What one of the clients was told."""
    return part._session._options if isinstance(part, SmbFiles) else part._options


@pytest.mark.parametrize("product", sorted(PARTS))
def test_every_product_has_its_transport_and_shows_no_secret(product):
    given = {**SQL} if product == "mssql" else {**LOGIN}
    if PARTS[product].connection.name == "landing":
        given = {"source": "uc1"}
    if product == "keyfactor_appliance":
        given |= {"key_storage": "soft", "database": "internal"}
    if PARTS[product].connection.name == "ssh":
        given["host_key"] = "SHA256:" + "A" * 43
    made = transport(product, **given, host="192.0.2.7")
    assert isinstance(made, KINDS[PARTS[product].connection.name])
    assert made.host == "192.0.2.7"
    assert "p4ss" not in repr(vars(made)) and "f1les" not in repr(vars(made))


def test_without_an_address_the_source_is_one():
    assert transport("windows", **LOGIN).host == "uc1"


def test_a_windows_host_is_reached_by_both_clients_with_one_login():
    made = transport(
        "windows",
        **LOGIN,
        winrm_port=15986,
        smb_port=10445,
        smb_shares={"D": "data$"},
        silence_timeout=7,
    )
    commands, files = options_of(made.commands), options_of(made.files)
    assert (commands.port, commands.scheme, commands.authentication) == (15986, "https", "ntlm")
    assert (files.port, files.authentication, dict(files.shares)) == (10445, "ntlm", {"D": "data$"})
    for one in (commands, files):
        assert (one.host, one.username, one.password) == ("uc1", "LAB\\backup", "p4ss")
        assert (one.connect_timeout, one.silence_timeout, one.total_timeout) == (15, 7, 3600)


def test_a_sql_server_has_logins_of_its_own_for_files_and_partners():
    made = transport("mssql", **SQL, smb_host="files1", partner_hosts=["uc1", "uc2"], winrm_port=15986)
    assert (made.options.host, made.options.username, made.options.password) == ("uc1", "sa", "p4ss")
    assert (made.files.host, options_of(made.files).username) == ("files1", "LAB\\files")
    assert [partner.host for partner in made.partners] == ["uc1", "uc2"]
    for partner in made.partners:
        assert isinstance(partner.commands, WinRm)
        assert options_of(partner.commands).port == 15986
        assert options_of(partner.commands).username == options_of(partner.files).username == "LAB\\files"


def test_an_account_of_windows_serves_for_the_files_too():
    made = transport("mssql", **LOGIN, database="CHAT", mssql_authentication="ntlm")
    assert (options_of(made.files).username, options_of(made.files).password) == ("LAB\\backup", "p4ss")


def test_a_login_of_sql_server_alone_fetches_no_file():
    with pytest.raises(OptionInvalid, match="smb_username"):
        transport("mssql", **LOGIN, database="CHAT")


def test_data_in_the_clear_needs_two_words():
    with pytest.raises(OptionInvalid, match="allow_unencrypted"):
        transport("mssql", **SQL, mssql_encryption="off")


@pytest.mark.parametrize(
    ("product", "library", "imported"),
    [
        ("windows", "pywinrm", "winrm"),
        ("windows", "smbprotocol", "smbprotocol"),
        ("mssql", "python-tds", "pytds"),
        ("ad_attributes", "ldap3", "ldap3"),
        ("linux", "paramiko", "paramiko"),
    ],
)
def test_a_library_that_is_missing_is_named(monkeypatch, product, library, imported):
    monkeypatch.setitem(sys.modules, imported, None)
    with pytest.raises(LibraryMissing, match=library):
        made = transport(product, **(SQL if product == "mssql" else LOGIN))
        made.run(["true"])


def test_a_windows_host_needs_no_libraries_of_others(monkeypatch):
    for other in ("pytds", "ldap3", "paramiko"):
        monkeypatch.setitem(sys.modules, other, None)
    assert transport("windows", **LOGIN).host == "uc1"
