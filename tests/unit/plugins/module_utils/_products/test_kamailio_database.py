# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._products import kamailio_database as k
from ansible_collections.ucops.recovery.plugins.module_utils._products.kamailio_config import KamailioConfig

password = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=15)


def config(**parameters):
    return KamailioConfig(modparams={("m", name): [value] for name, value in parameters.items()})


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mysql://u:p@h/d", {"engine": "mysql", "username": "u", "password": "p", "host": "h", "database": "d"}),
        ("mysql://h:3307/d", {"engine": "mysql", "host": "h", "port": 3307, "database": "d"}),
        ("postgres://[::1]:5432/d", {"engine": "postgresql", "host": "::1", "port": 5432, "database": "d"}),
        ("postgres://u@h/d?opt=1", {"engine": "postgresql", "username": "u", "host": "h", "database": "d"}),
        ("mysql://h/d", {"engine": "mysql", "host": "h", "database": "d"}),
        ("mysql://a@b:p@h/d", {"engine": "mysql", "username": "a@b", "password": "p", "host": "h", "database": "d"}),
        ("sqlite:////var/lib/k.sqlite", {"engine": "sqlite", "path": "/var/lib/k.sqlite"}),
        ("sqlite:///k.sqlite", {"engine": "sqlite", "path": "/k.sqlite"}),
        ("text:///var/lib/dbtext", {"engine": "dbtext", "path": "/var/lib/dbtext"}),
        ("text:////var//lib/dbtext/", {"engine": "dbtext", "path": "/var/lib/dbtext"}),
    ],
)  # fmt: skip
def test_urls_as_kamailio_reads_them(url, expected):
    assert k.from_url(url) == k.KamailioDatabase(**expected)


@given(password)
def test_any_password_survives_a_url(secret):
    assert k.from_url(f"mysql://user:{secret}@host/name").password == secret


@given(st.text(max_size=30))
def test_no_url_breaks_the_reader(rest):
    for scheme in ("mysql", "postgres", "sqlite", "text"):
        k.from_url(f"{scheme}://{rest}")


def test_configured_databases_are_found_once():
    found = k.configured(
        KamailioConfig(
            modparams={
                ("auth_db", "db_url"): ["mysql://ro@localhost/kamailio"],
                ("usrloc", "db_url"): ["mysql://rw:geheim@127.0.0.1/kamailio"],
                ("acc", "db_url"): ["postgres://u:p@db/cdr"],
                ("sqlops", "sqlcon"): ["ca=>sqlite:////var/k.sqlite"],
                ("htable", "htable"): ["a=>size=8;dbtable=x;"],
                ("ndb_redis", "server"): ["name=a;addr=redis://x"],
                ("http", "url"): ["http://x/y"],
                ("lcr", "db_url"): ["unixodbc://u:p@h/d"],
            }
        )
    )
    assert [(one.engine, one.database or one.path) for one in found] == [
        ("mysql", "kamailio"),
        ("postgresql", "cdr"),
        ("sqlite", "/var/k.sqlite"),
        ("unixodbc", "d"),
    ]
    assert found[0].password == "geheim"


def test_nothing_is_configured():
    assert k.configured(KamailioConfig()) == []


def test_what_is_shown_holds_no_password():
    database = k.from_url("mysql://u:geheim@h/d")
    assert "geheim" not in repr(database)
    assert "geheim" not in json.dumps(database.facts())
    assert "geheim" not in repr(database.connection("/", k.AdminLogin(password="geheim")))
    assert k.KamailioDatabase(**json.loads(json.dumps(database.to_json()))) == database


def test_connection():
    connection = k.from_url("sqlite:////var/lib/k.sqlite").connection("/srv/root", None)
    assert (connection.engine, connection.path) == ("sqlite", "/srv/root/var/lib/k.sqlite")
    connection = k.from_url("mysql://u:p@h:1/d").connection("/", k.AdminLogin("root", "geheim", True))
    assert (connection.host, connection.port, connection.username, connection.password) == ("h", 1, "u", "p")
    assert (connection.admin_username, connection.admin_password, connection.admin_run_as) == ("root", "geheim", True)


def test_files_of_a_database():
    assert k.from_url("sqlite:////k").files() == ["/k", "/k-journal", "/k-wal", "/k-shm"]
    assert k.from_url("text:///k").files() == ["/k"]
    assert k.from_url("mysql://h/d").files() == []


def test_labels_are_distinct_and_fit_for_names():
    databases = [k.from_url(url) for url in ("mysql://h/d", "postgres://h/d", "sqlite:////a/b c.sqlite", "mysql://h/ä")]
    assert k.labels(databases) == ["d", "d-2", "b-c", "mysql"]


def test_declared_databases():
    one = {"engine": "postgresql", "database": "kamailio", "run_as": "postgres", "port": 5433}
    assert k.declared(one) == k.declared([one])
    assert k.declared(one)[0].run_as == "postgres"
    assert k.declared([{"engine": "dbtext", "path": "/x"}])[0].path == "/x"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("mysql", "auto, none, or a list"),
        ([5], "auto, none, or a list"),
        ([{"engine": "oracle"}], "engine must be one of"),
        ([{"database": "d"}], "needs an engine"),
        ([{"engine": "mysql"}], "needs database"),
        ([{"engine": "sqlite", "database": "d"}], "needs path"),
        ([{"engine": "mysql", "databse": "d"}], "Is database meant"),
    ],
)
def test_declarations_that_cannot_be(value, told):
    with pytest.raises((OptionInvalid, ValueError)) as caught:
        k.declared(value)
    assert told in str(caught.value)


def test_admin_login():
    assert k.admin_login({"run_as": True}) == k.AdminLogin(run_as=True)
    with pytest.raises(ValueError, match="mapping"):
        k.admin_login("root")
