# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace

import pytest
from support.procall import PASSWORD, ROOT, SERVER_KEY, probed

from ansible_collections.ucops.recovery.plugins.module_utils._errors import RestoreRefused
from ansible_collections.ucops.recovery.plugins.module_utils._products import procall_partners, procall_server
from ansible_collections.ucops.recovery.plugins.module_utils._products.base import Probe
from ansible_collections.ucops.recovery.plugins.module_utils._products.not_gatherable import NotGatherable
from ansible_collections.ucops.recovery.plugins.module_utils._products.procall_server import ProcallServer


def test_no_companions_when_all_is_in_files(uc_host):
    product, probe = probed(uc_host)
    assert product.companions(probe) == []
    assert probe.facts["user_database"] == "internal"
    assert any("is believed to be the place" in remark for remark in product.remarks(probe))


def test_a_database_is_demanded_as_a_companion(uc_host):
    uc_host.setting("SQLServer", "sql1")
    uc_host.setting("SQLDatabase", "CHAT")
    product, probe = probed(uc_host)
    (companion,) = product.companions(probe)
    assert (companion.product, companion.source, companion.instance) == ("mssql", "", "CHAT")
    assert 'page "Datenbank"' in companion.why
    assert "CHAT on sql1" in companion.why
    assert companion.why.endswith(rf"found in {SERVER_KEY})")
    assert probe.counts["databases"] == 1


def test_declared_databases_win_and_none_means_none(uc_host):
    uc_host.setting("SQLServer", "sql1")
    uc_host.setting("SQLDatabase", "CHAT")
    product, probe = probed(uc_host, databases=[{"database": "J", "source": "db1", "instance": "JOURNAL"}])
    (companion,) = product.companions(probe)
    assert (companion.source, companion.instance) == ("db1", "JOURNAL")
    product, probe = probed(uc_host, databases=[])
    assert product.companions(probe) == []


def unknown(product, probe):
    """The databases that the product can name no companion for, each with what is to be done."""
    items = [item for item in product.items(probe) if isinstance(item, NotGatherable)]
    assert all(item.required for item in items)
    return {item.name: item.reason for item in items}


def test_databases_of_data_center_that_are_not_discovered_make_it_partial(uc_host):
    product, probe = probed(uc_host, edition="datacenter")
    assert product.companions(probe) == []
    told = unknown(product, probe)
    assert list(told) == ["database-of-journal", "database-of-configuration"]
    assert 'page "Datenbank"' in told["database-of-journal"]
    assert 'page "Multi-Server-Datenbank"' in told["database-of-configuration"]
    assert all("say it with the option databases" in reason for reason in told.values())
    assert probe.counts["databases"] == 2


def test_data_center_demands_each_database_that_has_a_name(uc_host):
    uc_host.setting("ServerName", "sql1", SERVER_KEY + r"\MultiServer")
    uc_host.setting("DatabaseName", "CONF", SERVER_KEY + r"\MultiServer")
    product, probe = probed(uc_host, edition="datacenter", partner_servers=["uc2", {"host": "uc3", "port": 7300}])
    assert [one.instance for one in product.companions(probe)] == ["CONF"]
    assert list(unknown(product, probe)) == ["database-of-journal"]
    assert probe.counts["servers"] == 3
    said = [{"role": "journal", "database": "CHAT"}, {"role": "configuration", "database": "CONF"}]
    product, probe = probed(uc_host, edition="datacenter", databases=said)
    assert [one.instance for one in product.companions(probe)] == ["CHAT", "CONF"]
    assert unknown(product, probe) == {}


def test_active_directory_is_demanded_as_a_companion(uc_host):
    uc_host.files.add(ROOT + r"\database\adcontacts.db", b"SQLite format 3\0")
    product, probe = probed(uc_host, directory_source="dc1", directory_instance="lab")
    (companion,) = product.companions(probe)
    assert (companion.product, companion.source, companion.instance) == ("ad_attributes", "dc1", "lab")
    assert "adcontacts.db" in companion.why
    assert probed(uc_host, user_database="internal")[0].companions(probed(uc_host, user_database="internal")[1]) == []
    uc_host.setting("UserDatabase", "internal")
    assert probed(uc_host)[1].facts["user_database"] == "internal"


def test_companions_that_the_operator_demands(uc_host):
    product, probe = probed(uc_host, demanded_companions=[{"product": "metadirectory", "source": "meta1"}])
    assert [str(one) for one in product.companions(probe)] == ["meta1/metadirectory"]


def test_a_directory_that_the_operator_names_is_the_one_that_is_demanded(uc_host):
    directory = {"product": "ad_attributes", "source": "dc1"}
    product, probe = probed(uc_host, user_database="active_directory", demanded_companions=[directory])
    assert [str(one) for one in product.companions(probe)] == ["dc1/ad_attributes"]


def test_what_needs_no_backup_is_said(uc_host):
    product, probe = probed(uc_host, edition="datacenter", ucconnect_id="4711")
    remarks = " ".join(product.remarks(probe))
    assert "Redis is volatile" in remarks
    assert "the UCConnect ID is recorded" in remarks
    assert "macOS" in remarks
    assert probe.facts["ucconnect_id"] == "4711"
    remarks = " ".join(ProcallServer({}).remarks(probed(uc_host)[1]))
    assert "Redis" not in remarks
    assert "ucconnect_id" in remarks
    assert "Datenexport" in remarks


def test_the_identical_version_is_demanded(uc_host):
    product, then = probed(uc_host)
    uc_host.programs[0] = replace(uc_host.programs[0], version="8.6.3.1")
    now = product.probe(uc_host.transport)
    assert "identical version" in product.release_verdict(then, now)
    assert product.release_must_match(then, now)
    assert product.release_verdict(then, then) is None
    assert "not installed" in product.release_verdict(then, Probe())
    assert product.release_must_match(then, Probe())


def test_a_version_that_nobody_knew_is_said_and_refused(uc_host):
    uc_host.programs.clear()
    product, then = probed(uc_host)
    assert then.release == ""
    assert any(remark.startswith("The version of UCServer cannot be told") for remark in product.remarks(then))
    assert "which version" in product.release_verdict(then, then)
    assert product.release_must_match(then, then)


def test_another_edition_is_no_identical_version(uc_host):
    product, then = probed(uc_host)
    uc_host.programs[0] = replace(uc_host.programs[0], name="estos ProCall DataCenter UCServer")
    now = product.probe(uc_host.transport)
    assert now.release == then.release
    assert product.release_verdict(then, now) == "it was ProCall Enterprise and is ProCall DataCenter now"
    assert product.release_must_match(then, now)
    unknown = Probe.from_json({**now.to_json(), "facts": {**now.facts, "edition": ""}})
    assert product.release_verdict(then, unknown) is None


def refused(product, uc_host, then, now=None):
    with pytest.raises(RestoreRefused) as caught:
        product.refuse_restore(uc_host.transport, then, now or then, product.items(then))
    assert "Nothing was touched" in caught.value.hint
    return caught.value.message


def test_a_running_partner(uc_host, monkeypatch):
    asked = []

    def answer(partner, port):
        asked.append((partner, port))
        return {"uc2": True, "uc3": None}.get(partner, False)

    monkeypatch.setattr(procall_partners, "listens", answer)
    product, then = probed(uc_host, partner_servers=["uc4", "uc2"])
    assert "uc2 runs: it answers at port 7222" in refused(product, uc_host, then)
    assert asked == [("uc4", 7222), ("uc2", 7222)]
    allowed, then = probed(uc_host, partner_servers=["uc2", {"host": "uc3", "port": 99}], allow_running_partners=True)
    warnings = allowed.refuse_restore(uc_host.transport, then, then, allowed.items(then))
    assert "uc2 runs while" in warnings[0]
    assert "uc3 gives no answer at port 99" in warnings[1]
    assert allowed.refuse_restore(uc_host.transport, then, then, []) == []


def test_data_center_without_partners_is_warned(uc_host):
    product, then = probed(uc_host, edition="datacenter")
    assert "partner_servers" in product.refuse_restore(uc_host.transport, then, then, product.items(then))[0]


def test_another_folder(uc_host):
    product, then = probed(uc_host)
    now = Probe.from_json({**then.to_json(), "facts": {**then.facts, "root": r"D:\UC"}})
    assert r"is in D:\UC now" in refused(product, uc_host, then, now)


def test_a_password_that_nobody_gives_back(uc_host):
    uc_host.services[0] = replace(uc_host.services[0], account=r"EXAMPLE\svc-uc")
    product, then = probed(uc_host)
    fresh = Probe.from_json({**then.to_json(), "facts": {**then.facts, "service_accounts": {"eucsrv": "LocalSystem"}}})
    assert r"shall run as EXAMPLE\svc-uc, and the password is not given" in refused(product, uc_host, then, fresh)
    given = ProcallServer({"service_passwords": {r"EXAMPLE\svc-uc": PASSWORD}})
    assert given.refuse_restore(uc_host.transport, then, fresh, given.items(then)) == []
    assert PASSWORD not in repr(given.options)


def test_health_asks_the_port(uc_host, monkeypatch):
    for answer, detail in ((True, "answers"), (False, "nothing listens"), (None, "gives no answer")):
        monkeypatch.setattr(procall_server, "listens", lambda _host, _port, answer=answer: answer)
        product = ProcallServer({"cti_port": 7222})
        check = product.health(uc_host.transport, Probe())[-1]
        assert (check.name, check.ok) == ("port 7222", answer)
        assert detail in check.detail
    assert ProcallServer({}).health(uc_host.transport, Probe()) == []
