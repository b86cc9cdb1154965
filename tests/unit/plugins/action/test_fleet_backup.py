# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The job for all hosts of a play, as it is put together on the controller. The module is a function."""

from __future__ import annotations

import json
from types import SimpleNamespace

import ansible.template
import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.parsing.dataloader import DataLoader

from ansible_collections.ucops.recovery.plugins.action import fleet_backup
from ansible_collections.ucops.recovery.plugins.module_utils._repository import owner
from ansible_collections.ucops.recovery.plugins.plugin_utils.play_hosts import HostVariables

PASSWORD = "planted-password"
TRUSTED = getattr(ansible.template, "trust_as_template", str)
"""Before ansible-core 2.19 every text was a template."""


class Job:
    """A play of some hosts with one task, C(fleet_backup)."""

    def __init__(self, monkeypatch):
        self.variables = {}
        self.arguments = {"repository": "/srv/r", "writer_key_file": "/srv/w.json", "progress_interval": 0}
        self.pipelining = True
        self.diff = False
        self.sent = []
        self.answer = lambda options: {
            "changed": False,
            "commits": 1,
            "hosts": {one["name"]: {"changed": True} for one in options["hosts"]},
        }
        monkeypatch.setattr(fleet_backup, "hosts_with_variables", self._hosts)

    def add(self, name, product="linux", **options):
        self.variables[name] = {"recovery_product": product, "recovery_options": {"source": name, **options}}

    def _hosts(self, batch, task, task_vars, loader):
        for name in batch:
            variables = self.variables[name]
            load = variables if callable(variables) else lambda variables=variables: variables
            yield HostVariables(name, load, loader)

    def run(self):
        connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
        task = SimpleNamespace(
            args=self.arguments, async_val=0, check_mode=False, diff=self.diff, action="x", delegate_to=None
        )
        action = fleet_backup.ActionModule(task, connection, None, DataLoader(), None, None)
        action._is_pipelining_enabled = lambda module_style: self.pipelining

        def execute(module_args, task_vars):
            self.sent.append(module_args)
            return self.answer(module_args)

        action._execute_module = execute
        result = action.run(task_vars={"ansible_play_batch": list(self.variables)})
        assert not result.get("failed") and not result.get("unreachable"), result
        return result


@pytest.fixture
def job(monkeypatch):
    one = Job(monkeypatch)
    for name in ("pbx1", "pbx2"):
        one.add(name)
    return one


def fails():
    raise AnsibleError("vars_files cannot be read")


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"recovery_product": "linux", "recovery_options": ["paths"]}, "recovery_options is no dictionary"),
        ({"recovery_product": "linux", "recovery_options": {1: "x"}}, "1 is no name of an option"),
        (
            {"recovery_product": "linux", "recovery_options": TRUSTED("{{ nowhere }}")},
            "recovery_options cannot be made out",
        ),
        ({"recovery_product": "linux", "recovery_options": {"source": "x", "port": "many"}}, "port"),
        (fails, "vars_files cannot be read"),
    ],
)
def test_options_that_cannot_be_understood_are_that_hosts_own_story(job, variables, says):
    job.variables = {"bad": variables, **job.variables}
    hosts = job.run()["hosts"]
    assert hosts["bad"]["failed"] and says in hosts["bad"]["msg"], hosts["bad"]
    assert hosts["bad"]["error"] != "Unexpected"
    assert [hosts[name] for name in ("pbx1", "pbx2")] == [{"changed": True}] * 2
    assert [one["name"] for one in job.sent[0]["hosts"]] == ["pbx1", "pbx2"]


def wrong_secret(job, repository):
    state = owner.read_state(repository.backend)
    request = {
        "state": owner.RepositoryState(state.keyring, state.keyring_signature, state.slots).to_json(),
        "headers": {},
    }
    job.arguments["domain_master_secret"] = "wrong horse battery staple"
    job.diff = True
    job.answer = lambda options: {"changed": False, "unseal": request}


def without_pipelining(job, repository):
    job.pipelining = False
    job.variables["pbx1"]["recovery_options"]["password"] = PASSWORD


def bad_interval(job, repository):
    job.arguments["progress_interval"] = "often"


def bad_concurrency(job, repository):
    job.answer = lambda options: {"failed": True, "msg": "argument 'concurrency' is of type str"}


def lost(job, repository):
    def answer(options):
        raise AnsibleConnectionFailure("Connection reset by peer")

    job.answer = answer


def refused_by_ansible(job, repository):
    def answer(options):
        raise AnsibleError("no such interpreter")

    job.answer = answer


@pytest.mark.parametrize(
    ("wrong", "status", "says"),
    [
        (wrong_secret, "failed", "does not open this repository"),
        (without_pipelining, "failed", "ansible_pipelining: true"),
        (bad_interval, "failed", "progress_interval is no number of seconds"),
        (bad_concurrency, "failed", "'concurrency' is of type str"),
        (refused_by_ansible, "failed", "no such interpreter"),
        (lost, "unreachable", "Connection reset by peer"),
    ],
)
def test_what_is_wrong_with_the_job_is_the_story_of_each_of_its_hosts(job, repository, wrong, status, says):
    job.variables["without"] = {}
    job.add("pushing", product="pushed")
    wrong(job, repository)
    hosts = job.run()["hosts"]
    for name in ("pbx1", "pbx2"):
        assert hosts[name][status] and says in hosts[name]["msg"] and not hosts[name]["changed"], hosts[name]
    assert hosts["without"] == {"changed": False, "skipped": True, "own_task": False}
    assert hosts["pushing"]["own_task"]
    assert PASSWORD not in json.dumps(hosts)


@pytest.mark.parametrize("interval", ["-1", "nan", "inf"])
def test_times_that_are_none(job, interval):
    job.arguments["progress_interval"] = interval
    assert "progress_interval is no number of seconds" in job.run()["hosts"]["pbx1"]["msg"]


def test_of_a_module_that_died_is_told_what_it_left_and_how_to_go_on(job):
    died = {
        "failed": True,
        "msg": "MODULE FAILURE",
        "module_stdout": "",
        "module_stderr": "x" * 9999 + "Killed",
        "rc": 137,
    }
    job.answer = lambda options: {**died, "exception": "Traceback"}
    result = job.run()
    one = result["hosts"]["pbx1"]
    assert (one["failed"], one["rc"], one["exception"]) == (True, 137, "Traceback")
    assert one["module_stderr"].endswith("Killed") and len(one["module_stderr"]) < 5000
    assert "MODULE FAILURE" in one["msg"] and "same run_id" in one["msg"]
    assert result["module_stderr"] == died["module_stderr"]


def test_a_module_that_refused_did_not_begin(job):
    job.answer = lambda options: {"failed": True, "msg": "There is no repository.", "error": "RepositoryMissing"}
    assert job.run()["hosts"]["pbx1"]["msg"] == "There is no repository."


def test_what_may_demand_a_host_with_a_task_of_its_own_has_one_too_that_comes_later(job):
    """Else it would be gathered before the database, and lack it."""
    needs = {"username": "backup", "password": PASSWORD}
    job.add("uc1", product="procall_server", **needs)
    job.add("uc2", product="procall_server", demanded_companions=[{"product": "pushed", "why": "fax"}], **needs)
    job.variables["sql1"] = {"own": "mssql"}
    job.arguments["own_task_variable"] = "own"
    hosts = job.run()["hosts"]
    assert [hosts[name]["own_task"] for name in ("uc1", "uc2")] == [True, True]
    assert "may demand generations of mssql" in hosts["uc1"]["warnings"][0]
    assert [one["name"] for one in job.sent[0]["hosts"]] == ["pbx1", "pbx2"]

    job.variables["sql1"] = {"own": "linux"}
    hosts = job.run()["hosts"]
    assert all(hosts[name]["changed"] for name in ("uc1", "uc2"))

    job.add("fax", product="pushed")
    hosts = job.run()["hosts"]
    assert hosts["uc1"]["changed"] and hosts["uc2"]["own_task"] and hosts["fax"]["own_task"]


def test_who_has_no_tasks_for_single_hosts_leaves_none_to_them(job):
    job.add("uc1", product="procall_server", username="backup", password=PASSWORD)
    job.variables["sql1"] = {"own": "mssql"}
    assert job.run()["hosts"]["uc1"]["changed"]
