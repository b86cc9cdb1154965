# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._products.procall_discovery import (
    PLACES,
    SQLITE_FILES,
    USER_FILES,
    connection_string,
    discover,
    is_licence,
    licence_keys,
)
from ansible_collections.ucops.recovery.plugins.module_utils._products.procall_options import SqlDatabase
from ansible_collections.ucops.recovery.plugins.module_utils._products.procall_settings import (
    Setting,
    xml_settings,
)

KEY = r"HKEY_LOCAL_MACHINE\SOFTWARE\ESTOS\UCServer4\Server"
FILE = r"C:\Program Files\estos\UCServer\config\ucserver.xml"
SECRET = "Sup3r-geheim"


def of_xml(text):
    return discover(xml_settings(FILE, text.encode("utf-8")))


def of_key(*pairs, key=KEY):
    return discover([Setting(key, name, value) for name, value in pairs])


# --- databases -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "text",
    [
        '<config><SqlServer Server="sql1" Database="CHAT" User="uc" Password="Sup3r-geheim"/></config>',
        "<config><Database><SQLServerName>sql1</SQLServerName><SQLDatabaseName>CHAT</SQLDatabaseName></Database></config>",
        '<config><setting name="DbConnection" value="Provider=MSOLEDBSQL;Data Source=sql1;Initial Catalog=CHAT;'
        'User ID=uc;Password=Sup3r-geheim"/></config>',
        "<config><c>Driver={ODBC Driver 17 for SQL Server};Server=sql1;Database=CHAT;UID=uc;"
        "PWD=Sup3r-geheim;</c></config>",
    ],
)
def test_databases_in_xml(text):
    found = of_xml(text)
    assert list(found.databases) == [SqlDatabase("journal", "sql1", "CHAT")]
    assert any("CHAT" in line and FILE in line for line in found.because)
    assert SECRET not in repr(found)


def test_databases_in_the_registry_by_role():
    journal = of_key(("SQLServer", r"sql1\ESTOS"), ("SQLDatabase", "CHAT"), key=KEY + r"\Database")
    assert list(journal.databases) == [SqlDatabase("journal", r"sql1\ESTOS", "CHAT")]
    multi = of_key(("ServerName", "sql1"), ("DatabaseName", "UCCONF"), key=KEY + r"\MultiServer")
    assert list(multi.databases) == [SqlDatabase("configuration", "sql1", "UCCONF")]
    by_name = of_key(("MultiServerDatabase", "Server=sql1;Database=UCCONF;Trusted_Connection=yes"))
    assert list(by_name.databases) == [SqlDatabase("configuration", "sql1", "UCCONF")]


def test_a_folder_above_says_nothing_of_the_role():
    settings = xml_settings(r"C:\MultiServer\config\db.xml", b'<Sql Server="s" Database="CHAT"/>')
    assert list(discover(settings).databases) == [SqlDatabase("journal", "s", "CHAT")]
    renamed = xml_settings(r"C:\x\MultiServer.xml", b'<Sql Server="s" Database="CONF"/>')
    assert list(discover(renamed).databases) == [SqlDatabase("configuration", "s", "CONF")]


def test_the_same_database_twice_is_one():
    found = of_xml('<x><a Server="s" Database="d"/><b><c Server="s" Database="d"/></b></x>')
    assert len(found.databases) == 1


@pytest.mark.parametrize(
    "text",
    [
        '<x><redis Server="r1" Database="0"/></x>',
        '<x><Db Server="m1" Database="contacts" Provider="MySQL ODBC"/></x>',
        "<x><c>Provider=Microsoft.ACE.OLEDB.12.0;Data Source=C:\\a.mdb;Database=x</c></x>",
        "<x><c>Driver={SQLite3 ODBC Driver};Server=a;Database=C:\\a.db;</c></x>",
        '<x><Mail Server="smtp1" Port="25"/></x>',
        '<x><Db Database="CHAT"/></x>',
        "<x/>",
    ],
)
def test_what_is_no_sql_server_database(text):
    assert of_xml(text).databases == {}


@pytest.mark.parametrize(
    ("value", "known"),
    [
        ("Server=tcp:sql1,1433;Initial Catalog='my db';Password=\"a;b\"", ("tcp:sql1,1433", "my db")),
        ("data source=.;database=x", (".", "x")),
        ("Server=a;Database=", None),
        ("a=b", None),
        ("x;y", None),
        ("", None),
    ],
)
def test_connection_strings(value, known):
    assert connection_string(value) == known


@given(st.text())
def test_any_text_is_a_connection_string_or_none(value):
    known = connection_string(value)
    assert known is None or all(known)


# --- where users are kept --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "value", "mode"),
    [
        ("UserDatabase", "ActiveDirectory", "active_directory"),
        ("UserManagementMode", "Active Directory", "active_directory"),
        ("UserDatabaseType", "internal", "internal"),
        ("Benutzerdatenbank", "Integriert", "internal"),
        ("UseActiveDirectory", "1", "active_directory"),
        ("ActiveDirectoryEnabled", "true", "active_directory"),
        ("UseActiveDirectory", "0", ""),
        ("UserDatabase", "7", ""),
        ("Server", "ActiveDirectory", ""),
    ],
)
def test_user_database(name, value, mode):
    assert of_key((name, value)).user_database == mode


def test_active_directory_outweighs_and_tells_its_domain():
    found = of_key(("UserDatabase", "active_directory"), ("UserDatabaseType", "internal"), ("DomainName", "ex.local"))
    assert (found.user_database, found.domain) == ("active_directory", "ex.local")


# --- folders, UCConnect, licences ------------------------------------------------------------------------------------
def test_folders_of_databases():
    found = of_key(
        ("DatabasePath", "D:\\UC\\db\\"), ("SqliteDirectory", r"d:\uc\DB"), ("DatabasePath", r"relative\db"),
        ("DatabaseDir", ""), ("LogPath", r"D:\logs"),
    )  # fmt: skip
    assert found.database_folders == [r"D:\UC\db"]


def test_ucconnect_id():
    assert of_key(("UCConnectID", "4711-ab")).ucconnect_id == "4711-ab"
    assert of_key(("UCConnectPassword", SECRET)).ucconnect_id == ""


@pytest.mark.parametrize("name", ["LicenseKey", "Licence", "Lizenzschlüssel", "SerialNumber", "License1", "ProductKey"])
def test_licences_by_the_name(name):
    keys = licence_keys([Setting(KEY + r"\Licenses", name, "PC8E-1234-ABCD-5678")], KEY)
    assert keys == [rf"\Licenses\{name}: PC8E-1234-ABCD-5678"]


@pytest.mark.parametrize(
    "value", ["", "1", "20260131", "true", r"C:\estos\license.txt", "license.txt", "yes please", "abcdefgh"]
)
def test_what_is_no_licence(value):
    assert not is_licence(value)
    assert licence_keys([Setting(KEY, "License", value)]) == []


def test_a_licence_as_the_name_of_a_value():
    assert licence_keys([Setting(KEY + r"\Licenses", "PC8E-1234-ABCD", "1")], KEY) == [r"\Licenses: PC8E-1234-ABCD"]
    assert licence_keys([Setting(KEY + r"\Lines", "PC8E-1234-ABCD", "1")], KEY) == []


def test_other_names_are_no_licences():
    assert licence_keys([Setting(KEY, "LicenseServer", "lic01.example"), Setting(KEY, "Password", "PC8E-1234")]) == []


def test_every_place_tells_its_basis():
    assert all(place.basis.startswith(("page ", "assumption: ")) for place in PLACES)


def test_files_that_tell():
    assert SQLITE_FILES.match("CtiServerDatabasechat.db")
    assert not SQLITE_FILES.match("adcontacts.db")
    assert USER_FILES.search("anna@example.com_clientcontent.xml")
