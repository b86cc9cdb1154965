# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module starface_config, from options to results."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest
from support.modules import run_module

from ansible_collections.ucops.recovery.plugins.module_utils._entries import Entry

PASSWORD = "pl4nted,Secret"
SFTP = {"kind": "sftp", "username": "pbx", "kept_at": "vault", "server": "192.0.2.9", "path": "/in"}
SHARE = {"kind": "windows_share", "username": "u", "server": "192.0.2.8", "share": "b"}
GOOD = {
    "source": "pbx",
    "name": "pbx-berlin",
    "error_report_to": "ops@example.org",
    "interval": "daily",
    "start": "2026-11-01 02:00",
    "targets": [SFTP],
    "finish": "run_and_save",
    "archive_job": {"start": "06:00"},
}


def config(**changed):
    result = run_module("starface_config", {**GOOD, **changed})
    assert PASSWORD not in json.dumps(result)
    return result


def test_a_good_one():
    result = config(applied_at="2026-11-01 01:00", applied_by="M. Muster")
    assert not result.get("failed") and result["changed"] is False
    assert result["valid"] is True and result["applied"] is True and result["differences"] is None
    assert {one["grade"] for one in result["advice"]} == {"hint"}
    assert "| Name | pbx-berlin |" in result["runbook"] and "by M. Muster" in result["runbook"]


@pytest.mark.parametrize(
    ("fail_on", "changed", "failed"),
    [
        ("error", {"targets": [{**SFTP, "server": "x"}]}, True),
        ("never", {"targets": [{**SFTP, "server": "x"}]}, False),
        ("error", {"error_report_to": None}, False),
        ("warning", {"error_report_to": None}, True),
        ("warning", {}, False),
        ("hint", {}, True),
    ],
)
def test_the_grade_that_fails(fail_on, changed, failed):
    given = {name: value for name, value in {**GOOD, **changed}.items() if value is not None}
    result = run_module("starface_config", {**given, "fail_on": fail_on})
    assert bool(result.get("failed")) is failed
    assert result["advice"] and result["runbook"]
    if failed:
        assert result["error"] == "ConfigUnfit"


def test_a_password_is_looked_at_and_returned_nowhere():
    result = config(targets=[{**SHARE, "password": PASSWORD, "security": "ntlmsspi"}])
    assert result["failed"] and "smb_password_comma" in {one["code"] for one in result["advice"]}
    assert result["config"]["targets"][0]["password_given"] is True


def arrivals(days, hour=2, minute=40, folder="pbx-berlin"):
    today = datetime.now(timezone.utc).replace(hour=hour, minute=minute, second=0, microsecond=0)
    return [
        {
            "path": f"starface-backup/{folder}/{day}.sar",
            "size": 1000,
            "received_at": (today - timedelta(days=day)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "target": "sftp",
        }
        for day in range(1, days + 1)
    ]


def start(days, clock="02:00"):
    return (datetime.now(timezone.utc) - timedelta(days=days)).strftime("%Y-%m-%d ") + clock


def test_what_arrives_as_declared():
    given = {"start": start(6), "observed": arrivals(6)}
    result = config(**given)
    assert [one for one in result["differences"] if one["code"] != "missing_runs"] == []


def test_what_arrives_otherwise():
    result = config(start=start(6), observed=arrivals(6, hour=11, folder="old"), watched=["sftp"])
    assert {one["differs"] for one in result["differences"]} >= {"name", "start"}
    assert "target" in {one["code"] for one in config(observed=[], watched=["sftp"])["differences"]}


# --- what arrived, as the repository tells it ------------------------------------------------------------------------
class History:
    """Generations of an appliance whose files arrived at one time and were taken in at another."""

    def __init__(self, repository):
        self.repository = repository

    def arrived(self, at, size=8000, taken_in=None, name="b.sar", receipt=True, **facts):
        entry = Entry("files", "voip_config", "file", b"/pushed/" + name.encode(), sensitive=True)
        counts = {"at:received": int(at.timestamp())} if receipt else {}
        when = (taken_in or at + timedelta(hours=5)).timestamp()
        self.repository.backup([(entry, b"x" * size)], product="starface", counts=counts, at=when, **facts)

    def days(self, *sizes, hour=2, minute=40, **facts):
        today = datetime.now(timezone.utc).replace(hour=hour, minute=minute, second=0, microsecond=0)
        for number, size in enumerate(sizes):
            self.arrived(today - timedelta(days=len(sizes) - number), size, name=f"{number}.sar", **facts)

    def config(self, **given):
        return config(repository=str(self.repository.path), **{"start": start(6), **given})


@pytest.fixture
def history(repository):
    return History(repository)


def found(result):
    assert not result.get("failed"), result
    return {one["code"] for one in result["differences"]} - {"missing_runs"}


def test_the_history_of_the_repository_is_what_is_observed(history):
    history.days(8000, 8100, 8000, 8200, 8000)
    result = history.config()
    assert found(result) == set()
    assert [one["size"] for one in result["observed"]] == [8000, 8100, 8000, 8200, 8000]
    assert {one["received_at"][11:16] for one in result["observed"]} == {"02:40"}
    assert {one["target"] for one in result["observed"]} == {"sftp"}


def test_what_the_history_tells_of_the_wizard(history):
    history.days(8000, 8000, 8000, 8000, 1000, hour=11)
    assert found(history.config()) == {"time_of_day", "size"}


def test_a_run_that_brought_nothing_is_missing(history):
    today = datetime.now(timezone.utc)
    history.arrived(today - timedelta(days=4), 8000, taken_in=today - timedelta(minutes=1))
    (missing,) = [one for one in history.config()["differences"] if one["code"] == "missing_runs"]
    assert missing["differs"] == "interval"


def test_a_source_from_which_nothing_came(history):
    history.repository.backup([], product="starface", counts={})
    result = history.config(watched=["sftp"])
    assert result["observed"] == [] and found(result) == {"target"}


def test_what_was_fetched_says_nothing_of_the_schedule(history):
    history.days(8000, 8000, 8000, 8000, 1000, hour=11, receipt=False)
    assert history.config()["observed"] == []


def test_a_partial_generation_arrived_too(history):
    history.days(8000, 8000, 8000, 8000)
    history.days(1000, status="partial")
    assert found(history.config()) == {"size"}


def test_the_path_of_the_newest_one_comes_from_its_backup(history):
    history.days(8000, 8000, 8000)
    newest = history.config()["observed"][-1]
    given = {**newest, "path": "starface-backup/pbx-old/2.sar"}
    result = history.config(observed=[{name: value for name, value in given.items() if name != "target"}])
    assert len(result["observed"]) == 3 and result["observed"][-1]["path"] == given["path"]
    assert found(result) == {"folder_name"}


@pytest.mark.parametrize(
    ("targets", "over"),
    [
        ([SFTP, {"kind": "local_disk"}], "sftp"),
        ([SFTP, {**SHARE, "security": "ntlmsspi"}], ""),
        ([{"kind": "local_disk"}], ""),
    ],
)
def test_over_which_place_it_came_is_said_where_only_one_can_be(history, targets, over):
    history.days(8000)
    assert [one["target"] for one in history.config(targets=targets, fail_on="never")["observed"]] == [over]


def test_no_repository_is_no_history(tmp_path):
    result = config(repository=str(tmp_path))
    assert result["failed"] and result["error"] == "RepositoryMissing"


@pytest.mark.parametrize(("zone", "moved"), [("Etc/GMT-1", False), ("Etc/GMT-2", True)])
def test_the_time_is_the_appliances_own(zone, moved):
    # 02:40 in UTC is 03:40 there, or 04:40
    given = {"start": start(6, "03:00"), "observed": arrivals(6)}
    codes = {one["code"] for one in config(**given, timezone=zone)["differences"]}
    assert ("time_of_day" in codes) == moved


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"timezone": "Europe/Nowhere", "observed": []}, "no such time zone"),
        ({"timezone": "/etc/passwd", "observed": []}, "no such time zone"),
        ({"observed": [{"path": "x", "size": 1, "received_at": "today"}]}, "today is no moment"),
        ({"start": "tomorrow"}, "start must be"),
        ({"interval": "x"}, "interval must be"),
        ({"targets": [{**SFTP, "share": "x"}]}, "no field share"),
    ],
)
def test_what_is_given_wrong(changed, says):
    result = config(**changed)
    assert result["failed"] and says in result["msg"]
