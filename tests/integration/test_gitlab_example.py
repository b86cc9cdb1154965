# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The example for GitLab, job by job: its own lines, run by a shell as a runner runs them, on the demo's fleet."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import xml.etree.ElementTree

import pytest
import yaml
from support.playbooks import PROJECT
from support.small_fleet import secrets_in, small_fleet

BIN = pathlib.Path(sys.executable).parent
EXAMPLE = yaml.safe_load((PROJECT / "examples/gitlab/.gitlab-ci.yml").read_text())
CHANGE = {"change_id": "CHG0042", "reason": "New dial plan", "requester": "beth", "ticket": "https://t/42"}


class Pipeline:
    """A checkout of the repository that the example is for, and a runner with a shell."""

    def __init__(self, folder, small, stage):
        self.folder = folder / "checkout"
        self.folder.mkdir()
        self.small = small
        self._stage = stage
        inventory = small.inventory()
        folder_of_the_job = "{{ lookup('ansible.builtin.env', 'CI_PROJECT_DIR') }}"
        inventory["all"]["vars"]["recovery_report_folder"] = f"{folder_of_the_job}/reports"
        (self.folder / "inventory.yml").write_text(yaml.safe_dump(inventory))
        (self.folder / "change.yml").write_text(yaml.safe_dump(CHANGE))
        self._secrets = folder / "file-variable"
        self._secrets.write_text(yaml.safe_dump(small.unlocking | small.login))
        self.config = small.fleet.hosts["pbx-berlin"].directory / "etc/kamailio/kamailio.cfg"
        self.change("echo '# a new dial plan' >>")

    def change(self, command):
        """What the change does to pbx-berlin."""
        task = {"name": "Change", "ansible.builtin.shell": f"{command} {self.config}"}
        play = {"hosts": "localhost", "gather_facts": False, "tasks": [task]}
        (self.folder / "change_playbook.yml").write_text(yaml.safe_dump([play]))

    def run(self, name, **variables):
        """Run a job; exit code and output."""
        job = EXAMPLE[name]
        home = self.folder.parent / f"home-{name}"
        home.mkdir(exist_ok=True)
        environment = {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOME": str(home),
            "LC_ALL": "C.UTF-8",
            "CI_PROJECT_DIR": str(self.folder),
            "ANSIBLE_COLLECTIONS_PATH": str(self._stage),
            "RECOVERY_SECRETS": str(self._secrets),
            **EXAMPLE["variables"],
            **variables,
        }
        done = subprocess.run(
            ["bash", "-c", "\n".join(["set -eo pipefail", *job["script"]])],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        return done.returncode, done.stdout


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory, stage):
    folder = tmp_path_factory.mktemp("gitlab")
    with small_fleet(folder) as small:
        yield Pipeline(folder, small, stage)


def jobs():
    """Jobs by name, with what they extend."""
    names = [name for name in EXAMPLE if name not in ("stages", "default", "variables") and not name.startswith(".")]
    return {name: {**EXAMPLE[EXAMPLE[name]["extends"]], **EXAMPLE[name]} for name in names}


def test_the_pipeline_is_one_that_gitlab_takes():
    found = jobs()
    assert {one["stage"] for one in found.values()} == set(EXAMPLE["stages"])
    order = EXAMPLE["stages"]
    for name, job in found.items():
        assert job["script"] and job["artifacts"]["when"] == "always" and "allow_failure" not in job
        for needed in job.get("needs", []):
            assert order.index(found[needed]["stage"]) < order.index(job["stage"]), name
    assert found["change"]["needs"] == ["pre_change"] and found["post_change"]["needs"] == ["change"]
    # whatever becomes of the change, there is a way back as soon as there is something to go back to
    assert found["rollback"]["when"] == "manual" and found["rollback"]["needs"] == ["pre_change"]
    # a secret on a command line could be seen by others
    assert not [line for job in found.values() for line in job["script"] if "secret=" in line or "password" in line]


def test_a_change_that_is_taken_back(pipeline):
    before = pipeline.config.read_bytes()
    code, output = pipeline.run("pre_change")
    assert code == 0, output
    assert pipeline.small.generations() == ["gw-linux/linux/1", "pbx-berlin/kamailio/1", "pbx-hamburg/kamailio/1"]
    assert pipeline.run("change")[0] == 0 and pipeline.config.read_bytes() != before
    code, output = pipeline.run("post_change")
    assert code == 0, output
    code, output = pipeline.run("rollback")
    assert code == 0 and pipeline.config.read_bytes() == before, output
    code, output = pipeline.run("close_change")
    assert code == 0, output
    reports = pipeline.folder / "reports"
    for suffix in (".md", ".html", ".json", ".xml"):
        assert list(reports.rglob(f"*{suffix}")), suffix
    for path in (reports / "junit").iterdir():
        xml.etree.ElementTree.parse(path)
    assert secrets_in(reports, pipeline.small.secrets) == []


def test_a_gate_that_does_not_open_stops_the_pipeline_and_has_reports(pipeline):
    pipeline.small.fleet.hosts["gw-linux"].ssh.stop()
    (pipeline.folder / "change.yml").write_text(yaml.safe_dump({**CHANGE, "change_id": "CHG0043"}))
    code, output = pipeline.run("pre_change")
    assert code in (2, 4) and "gw-linux" in output, output
    junit = (pipeline.folder / "reports/junit").glob("*.xml")
    newest = max(junit, key=lambda path: path.stat().st_mtime)
    root = xml.etree.ElementTree.parse(newest).getroot()
    # what fails is an error or a failure, depending on the release of Ansible; GitLab shows both
    told = [one.get("message", "") for kind in ("error", "failure") for one in root.iter(kind)]
    assert any("gw-linux (unreachable)" in one for one in told), told
    assert [path for path in (pipeline.folder / "reports").rglob("*CHG0043*") if "gw-linux" in path.read_text()]
