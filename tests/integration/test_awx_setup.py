# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook that sets AWX up, run for real in front of a stand-in that accepts what the real modules declare.

What is made must hang together as AWX demands it: references that exist, surveys and credential types that it accepts,
a workflow whose branches lead where they should.
"""

from __future__ import annotations

import json
import re

import pytest
from support.awx_stand_in import AwxStandIn
from support.playbooks import PROJECT, Controller

SITE = {
    "recovery_awx_inventory": "Telephony",
    "recovery_awx_image": "registry.example/recovery-ee:1.0",
    "recovery_awx_credentials": ["backup host", "Domain Master Secret of Berlin"],
}
NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
QUESTIONS = {"text", "textarea", "password", "integer", "float", "multiplechoice", "multiselect"}


class Site:
    """A controller in front of an AWX that is a stand-in."""

    def __init__(self, folder):
        self.controller = Controller(folder)
        self.awx = AwxStandIn(folder)

    def run(self, *arguments, **more):
        """Exit code, number of changes, output."""
        stage = f"{self.controller.folder.parent / 'stage'}:{self.awx.collections}"
        command = [self.controller.ansible("ansible-playbook"), "ucops.recovery.awx_setup", *arguments]
        done = self.controller.run(
            [*command, "-i", "localhost,", "-e", json.dumps({**SITE, **more})],
            ANSIBLE_COLLECTIONS_PATH=stage,
            **self.awx.environment,
        )
        changed = re.search(r"changed=(\d+)", done.stdout)
        return done.returncode, int(changed[1]) if changed else None, done.stdout


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("awx"))
    code, changed, output = site.run()
    assert code == 0 and changed, output
    return site


def test_check_mode_makes_nothing(tmp_path):
    site = Site(tmp_path)
    code, changed, output = site.run("--check")
    assert code == 0 and changed and site.awx.made == {}, output


def test_a_second_run_changes_nothing(site):
    before = site.awx.made
    code, changed, output = site.run()
    assert (code, changed) == (0, 0), output
    assert site.awx.made == before


def test_an_argument_that_the_real_module_does_not_know_is_refused_by_the_stand_in(tmp_path):
    site = Site(tmp_path)
    play = [
        {
            "hosts": "localhost",
            "gather_facts": False,
            "tasks": [{"awx.awx.job_template": {"name": "x", "playbok": "y", "job_type": "dry"}}],
        }
    ]
    (site.controller.folder / "play.yml").write_text(json.dumps(play))
    done = site.controller.run(
        [site.controller.ansible("ansible-playbook"), "-i", "localhost,", "play.yml"],
        ANSIBLE_COLLECTIONS_PATH=str(site.awx.collections),
        **site.awx.environment,
    )
    assert done.returncode == 2 and "playbok" in done.stdout and "value of job_type must be one of" in done.stdout


def test_every_reference_leads_to_something_that_was_made(site):
    made = site.awx.made
    templates, environments = made["job_template"], made["execution_environment"]
    for one in templates.values():
        assert one["project"] in made["project"] and one["execution_environment"] in environments
        assert (PROJECT / one["playbook"]).is_file()
        assert one["inventory"] == "Telephony" and one["credentials"] == SITE["recovery_awx_credentials"]
    assert all(one["default_environment"] in environments for one in made["project"].values())
    assert all(one["unified_job_template"] in templates for one in made["schedule"].values())


def test_awx_accepts_the_surveys(site):
    """As awx/api/views judges a survey."""
    surveys = [*site.awx.made["job_template"].values(), *site.awx.made["workflow_job_template"].values()]
    asked = [one["survey_spec"] for one in surveys if one["survey_enabled"]]
    assert len(asked) >= 7 and not [one for one in surveys if not one["survey_enabled"] and "survey_spec" in one]
    for survey in asked:
        assert survey.keys() == {"name", "description", "spec"} and survey["spec"]
        variables = [one["variable"] for one in survey["spec"]]
        assert len(set(variables)) == len(variables) and all(map(NAME.fullmatch, variables))
        for one in survey["spec"]:
            assert one["type"] in QUESTIONS and isinstance(one["required"], bool) and one["question_name"]
            assert all(isinstance(one.get(bound, 0), int) for bound in ("min", "max"))
            if one["type"] in ("multiplechoice", "multiselect"):
                assert one["default"] in ["", *one["choices"]]
            elif one["type"] in ("text", "textarea"):
                assert isinstance(one["default"], str) and one.get("max", 1024) >= len(one["default"])
            # a secret in a survey would be kept with the job
            assert one["type"] != "password"


def test_awx_accepts_the_types_of_credentials(site):
    """As awx/main/fields.py judges what a type asks for and what it injects."""
    types = site.awx.made["credential_type"].values()
    for one in types:
        fields = {field["id"]: field for field in one["inputs"]["fields"]}
        assert all(map(NAME.fullmatch, fields)) and "tower" not in fields
        assert all(field["type"] in ("string", "boolean") and field["label"] for field in fields.values())
        assert set(one["inputs"]["required"]) <= set(fields)
        assert one["injectors"].keys() <= {"file", "env", "extra_vars"}
        injected = [pair for texts in one["injectors"].values() for pair in texts.items()]
        assert all(NAME.fullmatch(name) for name, _text in injected)
        used = {name for _key, text in injected for name in re.findall(r"{{ (\w+) }}", text)}
        assert used == set(fields), one["name"]
        assert all(field.get("secret") for name, field in fields.items() if "password" in name or "secret" in name)
    injected = [name for one in types for texts in one["injectors"].values() for name in texts]
    assert len(set(injected)) == len(injected), "two types of credentials in one job would overwrite each other"


def test_data_of_schedules_is_what_the_survey_asks_for(site):
    made = site.awx.made
    for one in made["schedule"].values():
        survey = made["job_template"][one["unified_job_template"]].get("survey_spec", {"spec": []})
        choices = {question["variable"]: question.get("choices") for question in survey["spec"]}
        assert set(one["extra_data"]) <= set(choices)
        assert all(value in (choices[name] or [value]) for name, value in one["extra_data"].items())
        assert re.fullmatch(r"DTSTART;TZID=[\w/]+:\d{8}T\d{6} RRULE:FREQ=\w+;INTERVAL=1(;BYDAY=\w+)?", one["rrule"])


def nodes(site):
    """The nodes of the workflow that are to be there, by identifier."""
    workflow = site.awx.made["workflow_job_template"]["Recovery change"]
    return {one["identifier"]: one for one in workflow["schema"] if one.get("state", "present") == "present"}


def leads(node):
    """Where a node leads: by how it ended, the next ones."""
    kinds = ("success_nodes", "failure_nodes", "always_nodes")
    return {kind: [one["identifier"] for one in node["related"][kind]] for kind in kinds if node["related"][kind]}


@pytest.mark.parametrize("change", [None, "Roll out dial plan"])
def test_the_workflow(site, change):
    assert site.run(**({"recovery_awx_change_template": change} if change else {}))[0] == 0
    found, step = nodes(site), "change" if change else "change by hand"
    assert {name: leads(node) for name, node in found.items()} == {
        "pre_change": {"success_nodes": ["approval"]},
        "approval": {"success_nodes": [step], "failure_nodes": ["close_change"]},
        step: {"success_nodes": ["post_change"], "failure_nodes": ["post_change of a failed change"]},
        "post_change of a failed change": {"always_nodes": ["approval of the rollback"]},
        "post_change": {"success_nodes": ["close_change"], "failure_nodes": ["approval of the rollback"]},
        "approval of the rollback": {"success_nodes": ["rollback"]},
        "rollback": {"success_nodes": ["close_change"]},
        "close_change": {},
    }
    for name, node in found.items():
        template = node["unified_job_template"]
        assert node["related"].keys() == {"success_nodes", "failure_nodes", "always_nodes", "credentials"}
        if template["type"] == "job_template":
            assert template["name"] == change or template["name"] in site.awx.made["job_template"], name
        else:
            assert template["type"] == "workflow_approval" and template["name"] and template["description"]
    # what an earlier setup made is taken away, and without a name nothing of AWX can be meant
    workflow = site.awx.made["workflow_job_template"]["Recovery change"]
    gone = [one for one in workflow["schema"] if one.get("state") == "absent"]
    assert [one["unified_job_template"]["name"] for one in gone] == [""]
    # answers of the workflow reach all of its jobs
    asked = {one["variable"] for one in workflow["survey_spec"]["spec"]}
    for name in ("pre_change", "post_change", "rollback", "close_change"):
        survey = site.awx.made["job_template"][f"Recovery {name}"]["survey_spec"]["spec"]
        assert {one["variable"] for one in survey if one["required"]} <= asked
