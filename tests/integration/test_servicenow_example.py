# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate for a change in ServiceNow: the example's own script, in front of a stand-in for ServiceNow."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import pytest
import yaml
from support.playbooks import PROJECT
from support.servicenow_stand_in import LOGIN, ServiceNow
from support.small_fleet import small_fleet

EXAMPLE = PROJECT / "examples/servicenow"
BIN = pathlib.Path(sys.executable).parent


class Site:
    """A fleet, a ServiceNow, and somebody who opens gates."""

    def __init__(self, folder, small, stage, servicenow):
        self.folder = folder
        self.small = small
        self.servicenow = servicenow
        self._stage = stage
        inventory = small.inventory()
        inventory["all"]["vars"].update(small.unlocking | small.login)
        (folder / "inventory.yml").write_text(yaml.safe_dump(inventory))

    def gate(self, change, *arguments, **environment):
        """The whole example: exit code and output."""
        return self._run([EXAMPLE / "gate.sh", change, "-i", "inventory.yml", *arguments], environment)

    def ask(self, change, *arguments, **environment):
        """Its first half, which asks ServiceNow and then opens the gate."""
        command = [BIN / "ansible-playbook", EXAMPLE / "change_gate.yml", "-e", f"change_id={change}"]
        return self._run([*command, "-i", "inventory.yml", *arguments], environment)

    def _run(self, command, environment):
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={
                "PATH": f"{BIN}:{os.environ['PATH']}",
                "HOME": str(self.folder),
                "LC_ALL": "C.UTF-8",
                "ANSIBLE_COLLECTIONS_PATH": str(self._stage),
                **self.servicenow.environment,
                **environment,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        assert LOGIN[1] not in done.stdout
        assert not [secret for secret in self.small.secrets if secret in done.stdout]
        return done.returncode, done.stdout


@pytest.fixture(scope="module")
def site(tmp_path_factory, stage):
    folder = tmp_path_factory.mktemp("servicenow")
    with small_fleet(folder) as small, ServiceNow() as servicenow:
        yield Site(folder, small, stage, servicenow)


@pytest.mark.parametrize(
    ("change", "why", "environment"),
    [
        ("CHG0001", "CHG0001 is in state -4", {}),
        ("CHG9999", "knows no change", {}),
        ("CHG0001^ORnumber=CHG0002", "is no number of a change", {}),
        ("CHG0001", "401", {"SN_PASSWORD": "another"}),
    ],
    ids=["not scheduled", "unknown", "another query", "wrong login"],
)
def test_what_is_refused_before_anything_is_done(site, change, why, environment):
    site.servicenow.add("CHG0001", "-4")
    # a limit leaves nothing of the gate out
    code, output = site.ask(change, "--limit", "gw-linux", **environment)
    assert code == 2 and why in output and site.small.generations() == [], output
    assert not [request for request in site.servicenow.requests if "^" in request]


def test_an_open_gate_is_written_into_the_change(site):
    change = site.servicenow.add("CHG0002", "-2")
    code, output = site.gate("CHG0002")
    assert code == 0, output
    for made in ("gw-linux/linux/1", "pbx-berlin/kamailio/1", "pbx-hamburg/kamailio/1"):
        assert f"{made}, complete" in change["work_notes"] and made in change["backout_plan"]
    assert "NONE" not in change["work_notes"] and "change_id=CHG0002" in change["backout_plan"]
    record = (site.small.store.path / "commits/gw-linux/linux/1.json").read_text()
    assert "New dial plan {{ 7 * 6 }}" in record and "beth.anglin" in record


def test_a_gate_that_does_not_open_is_written_into_the_change_too(site):
    change = site.servicenow.add("CHG0003", "-1")
    site.small.fleet.hosts["gw-linux"].ssh.stop()
    code, output = site.gate("CHG0003")
    assert code != 0 and "gw-linux" in output, output
    assert "gw-linux: NONE THAT IS COMPLETE" in change["work_notes"]
    assert "pbx-berlin/kamailio/2, complete" in change["work_notes"]
