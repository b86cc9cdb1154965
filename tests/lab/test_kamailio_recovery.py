# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""We sell the restore: a Kamailio that served a call, was destroyed and put back, serves it again."""

from __future__ import annotations

import pytest

from lab.controller import Controller
from lab.hosts import Fleet
from lab.kamailio import DBTEXT_FOLDER, Pbx, install
from lab.phones import Phone, call_drill
from lab.recovery import REPOSITORY, Recovery, result_of

TREES = ("/etc/kamailio", "/etc/default/kamailio")


@pytest.fixture(scope="module")
def recovery(controller: Controller) -> Recovery:
    return Recovery.create(controller)


@pytest.fixture(scope="module")
def alice(fleet: Fleet) -> Phone:
    return Phone(fleet.add("alice"), "1001", "Winter-1001")


@pytest.fixture(scope="module")
def bob(fleet: Fleet) -> Phone:
    return Phone(fleet.add("bob"), "1002", "Sommer-1002")


@pytest.fixture(scope="module", params=["mariadb", "dbtext", "sqlite", "postgresql"])
def pbx(request: pytest.FixtureRequest, fleet: Fleet, controller: Controller) -> Pbx:
    pbx = install(fleet.add(f"pbx-{request.param[:8]}"), request.param)
    awkward = "/etc/kamailio/Ansage Büro\nKöln"
    pbx.host.run(["sh", "-c", 'printf "hallo\\n" >"$1"; setfattr -n user.note -v ja "$1"', "sh", awkward])
    pbx.host.run("python3 -c \"open(b'/etc/kamailio/latin1-\\xfc.txt', 'wb').write(b'x')\"")
    pbx.host.run(
        "ln -s kamailio.cfg /etc/kamailio/current; ln /etc/kamailio/routes.cfg /etc/kamailio/routes.hard;"
        " mkdir -m 2750 /etc/kamailio/conf.d; chgrp kamailio /etc/kamailio/conf.d; chmod 2750 /etc/kamailio/conf.d;"
        " setfacl -m u:daemon:r-- /etc/kamailio/routes.cfg; setfacl -d -m u:daemon:r-x /etc/kamailio/conf.d;"
        " touch -d '2001-02-03 04:05:06.789' /etc/kamailio/conf.d; : >/etc/kamailio/empty"
    )
    controller.meet()
    return pbx


def test_a_destroyed_kamailio_serves_the_same_call_again(
    pbx: Pbx, recovery: Recovery, alice: Phone, bob: Phone
) -> None:
    assert call_drill(pbx.host, alice, bob).passed
    before = pbx.host.fingerprint(*TREES)

    first = recovery.back_up(pbx.host, phase="pre_change", change_id="CHG1")
    assert first.passed, first.output
    generation = result_of(first)["generation"]
    assert (generation["status"], generation["content_changed"], generation["missing"]) == ("complete", True, [])
    assert generation["id"] == f"{pbx.host.name}/kamailio/1"

    pbx.destroy()
    assert not call_drill(pbx.host, alice, bob).passed

    # Where the database lets nobody in any more, its present state cannot be kept: that has to be said.
    is_served = pbx.database in ("mariadb", "postgresql")
    if is_served:
        refused = recovery.restore(pbx.host, generation="pre_change", change_id="CHG1")
        assert not refused.passed
        assert "nothing was put back" in result_of(refused)["msg"]
        assert not pbx.host.exists("/etc/kamailio")
    restored = recovery.restore(pbx.host, generation="pre_change", change_id="CHG1", pre_restore="best_effort")
    assert restored.passed, restored.output
    result = result_of(restored)
    assert result["changed"]
    assert result["pre_restore"] == f"{pbx.host.name}/kamailio/{3 if is_served else 2}"
    assert all(check["ok"] for check in result["checks"]), result["checks"]
    assert pbx.host.fingerprint(*TREES) == before
    drill = call_drill(pbx.host, alice, bob)
    assert drill.passed, drill.log

    again = recovery.restore(pbx.host, generation="pre_change", change_id="CHG1")
    assert again.passed, again.output
    assert not result_of(again)["changed"], result_of(again)["plan"]


def test_an_unchanged_second_run_writes_a_signed_record_and_nothing_else(pbx: Pbx, recovery: Recovery) -> None:
    first = recovery.back_up(pbx.host)
    assert first.passed, first.output
    before = set(recovery.controller.backup_host.output(["find", REPOSITORY, "-type", "f"]).split("\n"))
    second = recovery.back_up(pbx.host)
    assert second.passed, second.output
    result = result_of(second)
    assert not result["changed"]
    assert result["generation"]["content_changed"] is False
    after = set(recovery.controller.backup_host.output(["find", REPOSITORY, "-type", "f"]).split("\n"))
    added = sorted(name.rpartition("/")[2] for name in after - before)
    number = result["generation"]["id"].rpartition("/")[2]
    assert len(added) == 2, added
    assert added[1] == f"{number}.json" and added[0].startswith(f"{number}.") and added[0].endswith(".sig")


def test_what_came_after_the_backup_is_gone_after_the_restore(pbx: Pbx, recovery: Recovery) -> None:
    assert recovery.back_up(pbx.host).passed
    before = pbx.host.fingerprint(*TREES)
    pbx.host.run(
        "mkdir /etc/kamailio/new && echo x >/etc/kamailio/new/file && rm /etc/kamailio/empty"
        " && rm /etc/kamailio/current && mkdir /etc/kamailio/current && echo >>/etc/kamailio/routes.cfg"
        " && chmod 600 /etc/kamailio/kamailio.cfg && chown daemon /etc/kamailio/kamailio.pem"
    )
    if pbx.database == "dbtext":
        pbx.stop()
        pbx.host.run(f"echo '9:1003:lab.test:x:y:z' >>{DBTEXT_FOLDER}/subscriber")
    else:
        pbx.sql("INSERT INTO subscriber (username, domain, password, ha1, ha1b) VALUES ('1003','lab.test','','x','y')")
    plan = recovery.restore(pbx.host, "--check", "--diff")
    assert plan.passed, plan.output
    assert result_of(plan)["changed"]
    assert "/etc/kamailio/new/file" in plan.output
    assert pbx.host.exists("/etc/kamailio/new/file")
    restored = recovery.restore(pbx.host)
    assert restored.passed, restored.output
    assert pbx.host.fingerprint(*TREES) == before
    if pbx.database == "dbtext":
        assert "1003" not in pbx.host.read(f"{DBTEXT_FOLDER}/subscriber").decode()
    else:
        assert pbx.sql("SELECT count(*) FROM subscriber WHERE username = '1003'") == "0"


def test_a_restore_that_does_not_come_up_is_rolled_back_and_says_so(pbx: Pbx, recovery: Recovery) -> None:
    """The generation holds a configuration that Kamailio refuses; the host keeps its present, working one."""
    good = pbx.host.read("/etc/kamailio/routes.cfg")
    pbx.host.run("printf 'this is no route {\\n' >>/etc/kamailio/routes.cfg")
    broken = recovery.back_up(pbx.host)
    assert broken.passed, broken.output
    identifier = result_of(broken)["generation"]["id"]
    assert any(check["ok"] is False for check in result_of(broken)["checks"])
    pbx.host.run(["sh", "-c", "cat >/etc/kamailio/routes.cfg"], input=good)
    before = pbx.host.fingerprint(*TREES)

    failed = recovery.restore(pbx.host, generation=identifier)
    assert not failed.passed
    result = result_of(failed)
    assert result["error"] == "RestoreFailed", result["msg"]
    assert "was put back to" in result["msg"]
    assert pbx.host.fingerprint(*TREES) == before
    pbx.host.wait_for_port(5060)
    info = recovery.back_up(pbx.host)
    assert info.passed, info.output
    assert result_of(info)["open_restores"] == []


def test_the_difference_names_rows_and_never_a_secret(pbx: Pbx, recovery: Recovery) -> None:
    from lab.recovery import SECRET

    assert recovery.back_up(pbx.host).passed
    pbx.host.run("sed -i 's/Nonce-Geheim-9/Nonce-Anders-9/' /etc/kamailio/kamailio.cfg")
    if pbx.database != "dbtext":
        pbx.sql("UPDATE dispatcher SET destination = 'sip:10.77.200.9:5060'")
    play = recovery.back_up(pbx.host, "--diff", domain_master_secret=SECRET)
    assert play.passed, play.output
    kinds = {(change["kind"], change["action"]) for change in result_of(play)["changes"]}
    assert ("modparam", "changed") in kinds
    if pbx.database != "dbtext":
        assert {kind for kind, _action in kinds} >= {"dispatcher"}
    for secret in (*pbx.secrets, "Nonce-Anders-9", SECRET):
        assert secret not in play.output
    assert "<secret:" in play.output


def test_the_repository_is_authentic_at_the_end(pbx: Pbx, recovery: Recovery) -> None:
    play = recovery.verify()
    assert play.passed, play.output
    assert result_of(play)["verdict"] == "authentic"
