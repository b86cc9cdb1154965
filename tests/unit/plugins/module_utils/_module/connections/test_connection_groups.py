# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from support.connection_groups import CONNECTION_GROUPS

from ansible_collections.ucops.recovery.plugins.module_utils._module import argspec
from ansible_collections.ucops.recovery.plugins.module_utils._module.argspec import ArgumentSpec

WAYS = [
    ("ssh",),
    ("winrm", "smb"),
    ("mssql.connection",),
    ("ldap",),
    ("https",),
    ("landing",),
    ("https", "landing", "starface.connection"),
]


def validate(spec, **given):
    return ArgumentSpecValidator(**spec.to_kwargs()).validate(given)


@pytest.mark.parametrize(
    "given", [{"host_key": "a", "known_hosts_file": "b"}, {"private_key": "a", "private_key_file": "b"}]
)
def test_contradicting_logins_are_refused(given):
    assert validate(CONNECTION_GROUPS["ssh"](), **given).error_messages
    assert validate(CONNECTION_GROUPS["ssh"](), jump_host={"host": "gate", **given}).error_messages


def test_a_jump_host_has_an_address():
    assert validate(CONNECTION_GROUPS["ssh"](), jump_host={"port": 22}).error_messages


@pytest.mark.parametrize("names", WAYS)
def test_the_groups_of_a_connection_go_with_all_others(names):
    groups = [CONNECTION_GROUPS[name] for name in names]
    merged = ArgumentSpec().merge(*(build() for build in [*argspec.GROUPS.values(), *groups]))
    demanded = {name: "x" for name, option in merged.options.items() if option.get("required")}
    login = {name: "x" for name in ("username", "password") if name in merged.options}
    assert validate(merged, **demanded, **login).error_messages == []


def test_every_group_belongs_to_a_connection():
    assert sorted({name for names in WAYS for name in names}) == sorted(CONNECTION_GROUPS)


@pytest.mark.parametrize("group", ["winrm", "mssql.connection", "ldap"])
def test_a_password_is_needed_unless_kerberos_or_a_certificate_logs_in(group):
    spec = CONNECTION_GROUPS[group]()
    assert "password" in validate(spec, username="u").error_messages[0]
    option = {"winrm": "winrm_authentication", "mssql.connection": "mssql_authentication", "ldap": "ldap_security"}[
        group
    ]
    assert validate(spec, **{option: "kerberos"}).error_messages == []


def test_a_certificate_comes_with_its_key():
    given = {"winrm_authentication": "certificate", "client_certificate_file": "/etc/c.pem"}
    assert "client_key_file" in validate(CONNECTION_GROUPS["winrm"](), **given).error_messages[0]
    assert validate(CONNECTION_GROUPS["winrm"](), **given, client_key_file="/etc/k.pem").error_messages == []


def test_there_is_no_basic_authentication_and_no_directory_in_the_clear():
    assert validate(CONNECTION_GROUPS["winrm"](), winrm_authentication="basic").error_messages
    assert validate(CONNECTION_GROUPS["ldap"](), ldap_security="none").error_messages


def test_a_login_to_the_host_of_the_backups_is_whole():
    given = {"username": "u", "password": "p", "smb_username": "backup"}
    assert "smb_password" in validate(CONNECTION_GROUPS["mssql.connection"](), **given).error_messages[0]


def test_a_key_for_https_comes_with_its_certificate():
    validated = validate(CONNECTION_GROUPS["https"](), client_key_file="/etc/k.pem")
    assert "client_certificate_file" in validated.error_messages[0]


def test_the_certificate_of_an_https_interface_is_always_verified():
    assert validate(CONNECTION_GROUPS["https"](), verify=False).unsupported_parameters
