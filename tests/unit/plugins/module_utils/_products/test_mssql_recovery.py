# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Generations of a database: backed up, destroyed, restored, rolled back; a real repository, a stand-in SQL Server."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterator
from typing import Any

import pytest
from support.sql_server_site import PASSWORD, SqlServerSite, chat, sql_server_site
from support.sql_server_stand_in.engine import Engine, HangUp, Refused
from support.store import Store

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    RestoreFailed,
    RestoreRefused,
    VersionMismatch,
)
from ansible_collections.ucops.recovery.plugins.module_utils._module.backup import BackupOutcome
from ansible_collections.ucops.recovery.plugins.module_utils._module.restore import Restorer
from ansible_collections.ucops.recovery.plugins.module_utils._products.mssql import Mssql

THUMBPRINT = "CD" * 20


@pytest.fixture
def site(tmp_path: pathlib.Path) -> Iterator[SqlServerSite]:
    with sql_server_site(tmp_path) as one:
        yield one


@pytest.fixture
def store(tmp_path: pathlib.Path) -> Iterator[Store]:
    (tmp_path / "store").mkdir()
    with Store(tmp_path / "store") as one:
        yield one


def backup(store: Store, site: SqlServerSite, **how: Any) -> BackupOutcome:
    return store.backup(Mssql({"database": "CHAT"}), site.transport(), **how)


def restorer(store: Store, site: SqlServerSite, outcome: BackupOutcome, **options: Any) -> Restorer:
    return store.restorer(outcome, Mssql({"database": "CHAT"}), site.transport(), **options)


def is_served(site: SqlServerSite) -> bool:
    return (site.database.state, site.database.access) == ("ONLINE", "MULTI_USER")


# --- backup ----------------------------------------------------------------------------------------------------------
def test_whether_a_container_changed_stays_unknown(store: Store, site: SqlServerSite) -> None:
    first, second = backup(store, site), backup(store, site)
    assert (first.gathering.status, first.content_changed, first.changed_items) == ("complete", True, ["database"])
    assert (second.gathering.status, second.content_changed, second.changed_items) == ("complete", None, [])
    assert second.changed is False


def test_every_generation_has_its_own_backup_all_the_same(store: Store, site: SqlServerSite) -> None:
    first = backup(store, site)
    site.database.tables["dbo.Chat"].append("later")
    second = backup(store, site)
    assert store.contents(first) != store.contents(second)


def test_another_release_is_a_known_change(store: Store, site: SqlServerSite) -> None:
    backup(store, site)
    site.engine.version = "16.0.1000.6"
    assert backup(store, site).content_changed is True


def test_a_database_that_is_gone_is_a_known_change_and_partial(store: Store, site: SqlServerSite) -> None:
    backup(store, site)
    site.engine.databases.clear()
    outcome = backup(store, site)
    assert (outcome.gathering.status, outcome.gathering.missing()) == ("partial", ["database"])
    assert outcome.content_changed is True


def test_check_mode_starts_no_backup(store: Store, site: SqlServerSite) -> None:
    backup(store, site)
    site.engine.statements.clear()
    outcome = backup(store, site, dry_run=True)
    assert (outcome.committed, outcome.content_changed) == (None, None)
    assert site.sent("BACKUP") == []


def test_an_encrypted_database_makes_a_partial_generation(store: Store, site: SqlServerSite) -> None:
    site.database.certificate = THUMBPRINT
    site.engine.certificates = {THUMBPRINT}
    outcome = backup(store, site)
    assert outcome.gathering.status == "partial"
    assert THUMBPRINT in outcome.gathering.problems()[0]["message"]


# --- restore ---------------------------------------------------------------------------------------------------------
def test_a_destroyed_database_comes_back(store: Store, site: SqlServerSite) -> None:
    outcome = backup(store, site)
    site.engine.databases.clear()
    restore = restorer(store, site, outcome, pre_restore="best_effort")
    result = restore.run(restore.plan(look_only=False))
    assert result["restored_items"] == ["database"]
    assert {check["name"]: check["ok"] for check in result["checks"]} == {
        "DBCC CHECKDB": True,
        "database": True,
        "logins": True,
    }
    assert site.database.tables == chat().tables and is_served(site)


def test_a_changed_database_goes_back_and_its_state_before_is_kept(store: Store, site: SqlServerSite) -> None:
    outcome = backup(store, site)
    site.database.tables = {"dbo.Journal": ["spoilt"]}
    restore = restorer(store, site, outcome)
    plan = restore.plan(look_only=False)
    assert len(site.sent("BACKUP")) == 1
    assert [change.action for change in plan.changes["database"]] == ["write"]
    result = restore.run(plan)
    assert result["pre_restore"] == "host/mssql/2"
    assert site.database.tables == chat().tables and site.left_over() == []


def test_records_that_grow_are_left_alone_unless_they_are_named(store: Store, site: SqlServerSite) -> None:
    product = Mssql({"database": "CHAT", "data_class": "logs"})
    outcome = store.backup(product, site.transport())
    site.database.tables["dbo.Journal"].append("of today")
    plan = store.restorer(outcome, product, site.transport()).plan(look_only=False)
    assert (plan.left_alone, plan.items) == (["database"], [])
    plan = store.restorer(outcome, product, site.transport(), only_items=["database"]).plan(look_only=False)
    assert (plan.left_alone, plan.items) == ([], ["database"])


def test_check_mode_of_a_restore_touches_nothing(store: Store, site: SqlServerSite) -> None:
    outcome = backup(store, site)
    site.engine.statements.clear()
    plan = restorer(store, site, outcome).plan(look_only=True)
    assert plan.unknown == ["database"] and plan.items == ["database"]
    assert site.sent("BACKUP") == site.sent("ALTER") == site.sent("RESTORE") == []


def test_no_room_for_the_backup_is_said_before_anything_is_begun(store: Store, site: SqlServerSite) -> None:
    outcome = backup(store, site)
    site.files.room = 2**20
    with pytest.raises(RestoreRefused, match="bytes free"):
        restorer(store, site, outcome).plan(look_only=False)
    assert site.sent("ALTER") == []


@pytest.mark.parametrize("error", [HangUp(), Refused((3203, 16, "Read failed"), (3013, 16, "terminating"))])
def test_what_fails_in_the_middle_is_rolled_back(store: Store, site: SqlServerSite, error: Exception) -> None:
    outcome = backup(store, site)
    site.database.tables = {"dbo.Journal": ["of today"]}

    def fail(engine: Engine) -> None:
        raise error

    site.engine.happen["restore"] = fail
    restore = restorer(store, site, outcome)
    with pytest.raises(RestoreFailed, match=r"The host was put back to host/mssql/2") as caught:
        restore.run(restore.plan(look_only=False))
    assert "left in the state RESTORING" in caught.value.message
    assert site.database.tables == {"dbo.Journal": ["of today"]} and is_served(site)
    assert site.left_over() == []


def test_a_damaged_restore_is_rolled_back(store: Store, site: SqlServerSite) -> None:
    outcome = backup(store, site)
    site.database.tables = {"dbo.Journal": ["of today"]}
    site.engine.happen["restore"] = lambda engine: setattr(site.database, "damaged", "page (1:77)")
    restore = restorer(store, site, outcome)
    with pytest.raises(RestoreFailed, match="DBCC CHECKDB"):
        restore.run(restore.plan(look_only=False))
    assert site.database.tables == {"dbo.Journal": ["of today"]} and is_served(site)


def test_somebody_in_the_database_refuses_it(store: Store, site: SqlServerSite) -> None:
    outcome = backup(store, site)
    site.engine.enter("uc", "UC1", "UCServer", "CHAT")
    with pytest.raises(RestoreRefused, match="UCServer of uc on UC1"):
        restorer(store, site, outcome).plan(look_only=True)
    assert site.sent("ALTER") == []


def test_an_older_server_refuses_it_and_no_word_helps(store: Store, site: SqlServerSite) -> None:
    outcome = backup(store, site)
    site.engine.version = "14.0.3456.2"
    with pytest.raises(VersionMismatch, match="never goes back to an older"):
        restorer(store, site, outcome).plan(look_only=True)
    restore = restorer(store, site, outcome, allow_version_mismatch=True, pre_restore="skip")
    with pytest.raises(RestoreFailed, match="cannot read it"):
        restore.run(restore.plan(look_only=True))
    assert site.sent("ALTER") == [] and site.database.tables == chat().tables


def test_a_newer_server_is_a_warning(store: Store, site: SqlServerSite) -> None:
    outcome = backup(store, site)
    site.engine.version = "16.0.1000.6"
    plan = restorer(store, site, outcome).plan(look_only=True)
    assert any("never go back" in warning for warning in plan.warnings)


def test_the_password_is_kept_nowhere(
    store: Store, site: SqlServerSite, tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    outcome = backup(store, site)
    site.database.tables = {}
    restore = restorer(store, site, outcome)
    result = restore.run(restore.plan(look_only=False))
    told = json.dumps([result, outcome.gathering.contract(), outcome.probe.to_json()], default=str)
    kept = b"".join(path.read_bytes() for path in (tmp_path / "store").rglob("*") if path.is_file())
    for encoding in ("utf-8", "utf-16-le"):
        secret = PASSWORD.encode(encoding)
        assert secret not in kept
        assert all(secret not in content for content in store.contents(outcome).values())
        assert secret not in site.server.clear_bytes
    assert PASSWORD not in told + caplog.text + "".join(site.engine.statements)
