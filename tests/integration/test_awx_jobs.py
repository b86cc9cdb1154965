# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every playbook as a job of AWX: ansible-runner's transmit, worker and process, a new HOME, surveys, credentials.

The fleet is the demo's. AWX itself is not there; support/awx_job.py says what is done in its place, and from where that
is known. Answers that nobody gives are empty texts here, as AWX's form sends them.
"""

from __future__ import annotations

import pytest
from support.awx_data import inject
from support.awx_job import Awx
from support.small_fleet import SmallFleet, secrets_in, small_fleet

CHANGE = {"change_id": "CHG0042", "reason": "New dial plan {{ 7 * 6 }}", "requester": "beth", "ticket": "https://t/42"}


class Site:
    """A fleet, an AWX in front of it, and the credentials of the jobs."""

    def __init__(self, folder, small: SmallFleet, stage):
        self.small = small
        self.folder = folder
        self.awx = Awx(folder, small.script(), stage)
        self.config = small.fleet.hosts["pbx-berlin"].directory / "etc/kamailio/kamailio.cfg"
        self.credentials = [
            inject(
                "Domain Master Secret",
                {
                    "domain_master_secret": small.unlocking["recovery_domain_master_secret"],
                    "allowed_signers": small.unlocking["recovery_allowed_signers"],
                },
            ),
            inject("login by SSH", {"username": "backup", "password": small.login["recovery_ssh_password"]}),
        ]

    def launch(self, template, answers=None, **how):
        return self.awx.launch(template, answers, self.credentials, **how)


@pytest.fixture(scope="module")
def site(tmp_path_factory, stage):
    folder = tmp_path_factory.mktemp("jobs")
    with small_fleet(folder) as small:
        yield Site(folder, small, stage)


def fine(job):
    """The artifact of a job that went well."""
    assert (job.status, job.code) == ("successful", 0), job.output
    result = job.artifacts["recovery_result"]
    assert result["schema"] == 1 and result["result"] == "success" and result["not_fine"] == [], result
    return result


def test_before_the_first_backup(site):
    job = site.launch("preflight")
    assert (job.status, job.code) == ("successful", 0), job.output
    assert site.small.generations() == []


def test_a_job_that_fails_has_its_artifact_too(site):
    job = site.launch("report")
    assert (job.status, job.code) == ("failed", 2), job.output
    result = job.artifacts["recovery_result"]
    assert result["result"] != "success" and {one["host"] for one in result["not_fine"]} == set(site.small.fleet.hosts)


def test_a_backup(site):
    job = site.launch("backup", {"phase": "scheduled"})
    result = fine(job)
    assert result["operation"] == "backup" and result["run_id"] == f"awx-{job.number}-backup"
    assert result["phase"] == "scheduled"
    assert (result["hosts_total"], result["ok"], result["skipped"], result["failed"]) == (4, 3, 1, 0)
    assert site.small.generations() == ["gw-linux/linux/1", "pbx-berlin/kamailio/1", "pbx-hamburg/kamailio/1"]


def test_a_restore(site):
    before = site.config.read_bytes()
    site.config.write_bytes(before + b"# more\n")
    fine(site.launch("restore", {"generation": "latest", "reason": "{{ 7 * 6 }}"}, limit="pbx-berlin"))
    assert site.config.read_bytes() == before


def test_a_drill(site):
    result = fine(site.launch("restore_drill", limit="gw-linux"))
    assert result["operation"] == "restore_drill" and result["ok"] == 1


def test_maintenance(site):
    job = site.launch("maintenance")
    assert (job.status, job.code) == ("successful", 0), job.output


def test_a_change(site):
    """The workflow's branch that ends with a rollback. What a job leaves reaches the next ones as an extra variable."""
    before = site.config.read_bytes()
    opened = site.launch("pre_change", CHANGE)
    assert fine(opened)["change_id"] == "CHG0042"
    site.config.write_bytes(before + b"# a change that goes wrong\n")
    compared = site.launch("post_change", CHANGE, artifacts=opened.artifacts)
    assert fine(compared)["changed"] == 1 and compared.artifacts["recovery_result"]["phase"] == "post_change"
    back = site.launch("rollback", CHANGE, artifacts=compared.artifacts)
    assert fine(back)["operation"] == "rollback" and site.config.read_bytes() == before
    closed = site.launch("close_change", {"change_id": "CHG0042"}, artifacts=back.artifacts)
    assert (closed.status, closed.code) == ("successful", 0), closed.output


def test_one_host_down_then_the_same_job_again(site):
    gateway = site.awx.inventory["_meta"]["hostvars"]["gw-linux"]
    port, gateway["ansible_port"] = gateway["ansible_port"], 9
    change = {**CHANGE, "change_id": "CHG0043"}
    failed = site.launch("pre_change", change)
    assert (failed.status, failed.code) == ("failed", 2), failed.output
    result = failed.artifacts["recovery_result"]
    assert [(one["host"], one["outcome"]) for one in result["not_fine"]] == [("gw-linux", "unreachable")]
    made = site.small.generations()
    gateway["ansible_port"] = port
    again = fine(site.launch("pre_change", change, artifacts=failed.artifacts))
    assert again["run_id"] != result["run_id"]
    added = [one for one in site.small.generations() if one not in made]
    assert [one.rpartition("/")[0] for one in added] == ["gw-linux/linux"]


def test_nothing_that_awx_keeps_has_a_secret(site):
    """Last: events, output and artifacts of all jobs, and the streams between the machines."""
    kept = sorted(site.folder.glob("job*/kept"))
    assert len(kept) >= 5 and all(any(one.rglob("job_events/*.json")) for one in kept)
    assert [leak for one in kept for leak in secrets_in(one, site.small.secrets)] == []
