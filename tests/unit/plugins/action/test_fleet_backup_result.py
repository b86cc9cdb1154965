# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host's own result of the job for all."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible.parsing.dataloader import DataLoader

from ansible_collections.ucops.recovery.plugins.action import fleet_backup_result

OWN = {"changed": True, "generation": {"id": "pbx1/linux/1"}}
JOB = {"changed": False, "hosts": {"pbx1": OWN, "pbx2": {"changed": False, "unreachable": True, "msg": "gone"}}}


def hand_out(host="pbx1", **arguments):
    connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
    task = SimpleNamespace(args=arguments, async_val=0, check_mode=False, diff=False, action="x", delegate_to=None)
    action = fleet_backup_result.ActionModule(task, connection, None, DataLoader(), None, None)
    variables = {"inventory_hostname": host, "fleet": JOB, "word": "fleet", "other": {"changed": False}}
    return action.run(task_vars=variables)


@pytest.mark.parametrize("arguments", [{"job": "fleet"}, {"result": OWN}])
def test_by_the_name_of_the_job_or_as_it_is(arguments):
    result = hand_out(**arguments)
    assert result["changed"] and result["generation"] == OWN["generation"] and not result.get("failed")


def test_what_a_host_failed_with_is_its_own():
    result = hand_out("pbx2", job="fleet")
    assert result["unreachable"] and result["msg"] == "gone"


@pytest.mark.parametrize(
    ("host", "arguments", "says"),
    [
        ("pbx1", {}, "One of job and result is needed"),
        ("pbx1", {"job": "fleet", "result": OWN}, "One of job and result is needed"),
        ("pbx1", {"job": "nowhere"}, "nowhere holds no result of fleet_backup"),
        ("pbx1", {"job": "word"}, "word holds no result of fleet_backup"),
        ("pbx1", {"job": "other"}, "other holds no result of fleet_backup"),
        ("pbx3", {"job": "fleet"}, "The job in fleet had no part for this host"),
        ("pbx1", {"result": JOB}, "This is not the result of a host"),
        ("pbx1", {"result": "ok"}, "This is not the result of a host"),
    ],
)
def test_anything_else_is_refused(host, arguments, says):
    result = hand_out(host, **arguments)
    assert result["failed"] and says in result["msg"] and result["error"] == "OptionInvalid"
