# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""SQL Server as a product, against the stand-in for one."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from support.sql_server_site import SqlServerSite, chat, sql_server_site

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    ConnectionFailed,
    OptionInvalid,
    RestoreRefused,
)
from ansible_collections.ucops.recovery.plugins.module_utils._items.sql_server import SqlServerBackup
from ansible_collections.ucops.recovery.plugins.module_utils._products import mssql as mssql_module
from ansible_collections.ucops.recovery.plugins.module_utils._products.base import Probe
from ansible_collections.ucops.recovery.plugins.module_utils._products.mssql import Mssql
from ansible_collections.ucops.recovery.plugins.module_utils._products.registry import product_class
from ansible_collections.ucops.recovery.plugins.module_utils._transport.windows import WindowsTransport


@pytest.fixture
def site(tmp_path: pathlib.Path) -> Iterator[SqlServerSite]:
    with sql_server_site(tmp_path) as one:
        yield one


def mssql(**options: Any) -> Mssql:
    return Mssql({"database": "CHAT", **options})


def restore_of(site: SqlServerSite, *, partners: Any = (), **options: Any) -> list[str]:
    """What is said before the database would be restored."""
    transport, one = site.transport(partners=partners), mssql(**options)
    probe = one.probe(transport)
    return one.refuse_restore(transport, probe, probe, one.items(probe))


class Partner(WindowsTransport):
    """A host that is only known by its name."""

    def __init__(self, host: str) -> None:
        self.host = host

    def close(self) -> None:
        """Nothing is open."""


# --- what is there ---------------------------------------------------------------------------------------------------
def test_the_probe_tells_server_and_database(site: SqlServerSite) -> None:
    probe = mssql().probe(site.transport())
    assert (probe.release, probe.version, probe.build) == ("SQL Server 15", "15.0.4430.1", "Standard Edition (64-bit)")
    assert probe.identity == {"hostname": "SQL1\\UC"}
    assert probe.facts["physical_host"] == "NODE-A"
    assert probe.facts["database"]["recovery_model"] == "FULL"
    assert probe.counts == {"tables": 2}


def test_two_looks_are_the_same_whatever_the_rows(site: SqlServerSite) -> None:
    before = mssql().probe(site.transport()).to_json()
    site.database.tables["dbo.Journal"].append("one more")
    assert mssql().probe(site.transport()).to_json() == before


def test_a_server_without_the_database(site: SqlServerSite) -> None:
    site.engine.databases.clear()
    probe = mssql().probe(site.transport())
    assert (probe.release, probe.counts, "database" in probe.facts) == ("SQL Server 15", {}, False)


def test_tables_that_the_login_does_not_see_are_not_counted(site: SqlServerSite) -> None:
    site.engine.sees_tables = False
    assert mssql().probe(site.transport()).counts == {}


def test_another_instance_is_another_host(site: SqlServerSite) -> None:
    then = mssql().probe(site.transport())
    site.engine.server_name = "SQL2\\UC"
    assert not then.same_host(mssql().probe(site.transport()))


# --- what is gathered ------------------------------------------------------------------------------------------------
def test_the_database_is_the_one_item_and_is_demanded() -> None:
    (item,) = mssql(data_class="voip_config", compression="never", certificate_kept=True).items(Probe())
    assert isinstance(item, SqlServerBackup)
    assert (item.name, item.data_class, item.required, item.consistency) == ("database", "voip_config", True, "dump")
    assert (item.compression, item.certificate_kept, item.comparable) == (False, True, False)


def test_what_is_the_server_s_own_is_said() -> None:
    assert "Logins" in mssql().remarks(Probe())[0]


@pytest.mark.parametrize(
    "options",
    [{}, {"database": ""}, {"database": "CHAT", "compression": "yes"}, {"database": "CHAT", "data_class": "x"}],
)
def test_options_that_cannot_be(options: dict[str, str]) -> None:
    with pytest.raises(OptionInvalid):
        Mssql(options)


def test_it_is_known_by_its_name() -> None:
    assert isinstance(product_class("mssql")({"database": "CHAT"}), Mssql)


def test_a_comparison_needs_no_options(site: SqlServerSite) -> None:
    probe = mssql().probe(site.transport())
    assert Mssql.for_comparison(probe).options.database == "CHAT"
    assert Mssql.for_comparison(Probe()).semantic({}, {}, None) == []  # type: ignore[arg-type]


# --- releases --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("then", "now", "words", "refused"),
    [
        ("15.0.2000.5", "15.0.4430.1", None, False),
        ("15.0.4430.1", "15.0.2000.5", None, False),
        ("15.0.4430.1", "16.0.1000.6", "never go back", False),
        ("16.0.1000.6", "15.0.4430.1", "never goes back to an older", True),
        ("", "15.0.4430.1", None, False),
    ],
)
def test_a_backup_goes_to_the_same_or_a_newer_server(then: str, now: str, words: str | None, refused: bool) -> None:
    verdict = mssql().release_verdict(Probe(version=then), Probe(version=now))
    assert (words in verdict) if words and verdict else verdict is words
    assert mssql().release_must_match(Probe(version=then), Probe(version=now)) is refused


# --- before a restore ------------------------------------------------------------------------------------------------
def test_nothing_to_put_back_is_nothing_to_refuse(site: SqlServerSite) -> None:
    assert mssql().refuse_restore(site.transport(), Probe(), Probe(), []) == []
    assert site.engine.statements == []


def test_without_partners_the_sessions_decide_and_that_is_said(site: SqlServerSite) -> None:
    assert "partner_hosts" in restore_of(site)[0]


def test_who_is_in_the_database_is_named(site: SqlServerSite) -> None:
    site.engine.enter("LAB\\svc-uc", "UC1", "UCServer", "CHAT")
    site.engine.enter("sa", "ADMIN-PC", "", "chat")
    site.engine.enter("sa", "ADMIN-PC", "Management Studio", "OTHER")
    with pytest.raises(RestoreRefused) as caught:
        restore_of(site)
    assert caught.value.message == (
        "The database is in use: UCServer of LAB\\svc-uc on UC1; a program without a name of sa on ADMIN-PC"
    )
    assert caught.value.details == {"sessions": 2}


def test_a_crowd_is_counted(site: SqlServerSite) -> None:
    for number in range(8):
        site.engine.enter("uc", f"UC{number}", "UCServer", "CHAT")
    with pytest.raises(RestoreRefused, match="on UC4 and 3 more"):
        restore_of(site)


def test_a_login_that_sees_nobody_proves_nothing(site: SqlServerSite) -> None:
    site.engine.rights.clear()
    site.engine.enter("uc", "UC1", "UCServer", "CHAT")
    with pytest.raises(RestoreRefused, match="may not see who else") as caught:
        restore_of(site)
    assert "VIEW SERVER STATE" in str(caught.value.hint)


def test_a_running_partner_is_refused_by_name(site: SqlServerSite, monkeypatch: pytest.MonkeyPatch) -> None:
    state = {"uc1": (["eucsrv"], []), "uc2": (["eucsrv"], ["eucsrv"])}
    monkeypatch.setattr(mssql_module, "running_services", lambda partner, patterns: state[partner.host])
    partners = [Partner("uc1"), Partner("uc2")]
    with pytest.raises(RestoreRefused, match="The service eucsrv runs on the partner server UC2"):
        restore_of(site, partners=partners, partner_hosts=["uc1", "UC2"])
    state["uc2"] = (["eucsrv"], [])
    assert restore_of(site, partners=partners, partner_hosts=["uc1", "UC2"]) == []


def test_a_partner_without_the_service_is_a_warning(site: SqlServerSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mssql_module, "running_services", lambda partner, patterns: ([], []))
    (warning,) = restore_of(site, partners=[Partner("uc1")], partner_hosts=["uc1"])
    assert warning == "The partner server uc1 has no service UCServer."


def test_a_partner_that_nothing_leads_to_is_refused(site: SqlServerSite) -> None:
    with pytest.raises(RestoreRefused, match="Nothing leads to the partner server uc1"):
        restore_of(site, partner_hosts=["uc1"])


def test_a_partner_that_does_not_answer_is_refused(site: SqlServerSite, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(partner: Any, patterns: Any) -> Any:
        raise ConnectionFailed("Port 5986 cannot be reached", host=partner.host)

    monkeypatch.setattr(mssql_module, "running_services", unreachable)
    with pytest.raises(RestoreRefused, match="uc1 cannot be asked .*Port 5986 cannot be reached"):
        restore_of(site, partners=[Partner("uc1")], partner_hosts=["uc1"])


# --- proofs ----------------------------------------------------------------------------------------------------------
def checks(site: SqlServerSite, **options: Any) -> dict[str, tuple[bool | None, str]]:
    transport, one = site.transport(), mssql(**options)
    found = [*one.validate(transport, Probe()), *one.health(transport, Probe())]
    return {check.name: (check.ok, check.detail) for check in found}


def test_a_healthy_database(site: SqlServerSite) -> None:
    assert checks(site) == {
        "DBCC CHECKDB": (True, "every page is as it should be"),
        "database": (True, "ONLINE, MULTI_USER"),
        "logins": (True, "every user has its login"),
    }


def test_a_damaged_page(site: SqlServerSite) -> None:
    site.database.damaged = "Object ID 5, page (1:77) could not be processed."
    ok, detail = checks(site)["DBCC CHECKDB"]
    assert ok is False and "8928" in detail and "(1:77)" in detail


def test_a_login_that_may_not_check_says_so_and_fails_nothing(site: SqlServerSite) -> None:
    site.engine.may_check = False
    assert checks(site)["DBCC CHECKDB"] == (None, "The login lacks a right")


def test_a_check_that_was_not_asked_for(site: SqlServerSite) -> None:
    assert checks(site, check=False)["DBCC CHECKDB"][0] is None
    assert site.sent("DBCC") == []


@pytest.mark.parametrize("facts", [{"access": "SINGLE_USER"}, {"state": "RESTORING"}])
def test_a_database_that_does_not_serve(site: SqlServerSite, facts: dict[str, str]) -> None:
    site.engine.databases = {"CHAT": chat(**facts)}
    assert checks(site)["database"][0] is False


def test_a_database_that_is_gone(site: SqlServerSite) -> None:
    site.engine.databases.clear()
    assert checks(site)["database"] == (False, "is not there")


def test_users_without_a_login_are_named_and_fail_nothing(site: SqlServerSite) -> None:
    site.engine.other_sids.clear()
    ok, detail = checks(site)["logins"]
    assert ok is None and detail.endswith(": ucserver")


def test_logins_that_nobody_may_see_are_not_called_missing(site: SqlServerSite) -> None:
    site.engine.rights.discard("VIEW ANY DEFINITION")
    site.engine.other_sids.clear()
    assert checks(site)["logins"] == (None, "cannot be seen without the right VIEW ANY DEFINITION")


def test_nothing_of_it_is_a_service_of_the_host(site: SqlServerSite) -> None:
    assert mssql().services(SimpleNamespace()) == []  # type: ignore[arg-type]
