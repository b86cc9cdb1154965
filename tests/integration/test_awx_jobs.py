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
    answers = {"generation": "latest", "reason": "{{ 7 * 6 }}"}
    planned = site.launch("restore", answers, limit="pbx-berlin", check=True)
    assert planned.code == 0 and site.config.read_bytes() != before, planned.output
    fine(site.launch("restore", answers, limit="pbx-berlin"))
    assert site.config.read_bytes() == before


def test_maintenance(site):
    job = site.launch("maintenance")
    assert (job.status, job.code) == ("successful", 0), job.output


def test_nothing_that_awx_keeps_has_a_secret(site):
    """Last: events, output and artifacts of all jobs, and the streams between the machines."""
    kept = sorted(site.folder.glob("job*/kept"))
    assert len(kept) >= 5 and all(any(one.rglob("job_events/*.json")) for one in kept)
    assert [leak for one in kept for leak in secrets_in(one, site.small.secrets)] == []
