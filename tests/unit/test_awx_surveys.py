# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AWX asks for is what the playbooks document and use; what it injects, too."""

from __future__ import annotations

import pathlib
import re
from typing import Any

import pytest
from support.awx_data import PROJECT, setup

PLAYBOOKS = PROJECT / "playbooks"
SETUP = setup()
TEMPLATES: dict[str, Any] = {one["name"]: one for one in SETUP["awx_job_templates"]}


def words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))


def comments(path: pathlib.Path) -> str:
    return "\n".join(line for line in path.read_text().splitlines() if line.lstrip().startswith("#"))


def code(path: pathlib.Path) -> str:
    return "\n".join(line for line in path.read_text().splitlines() if not line.lstrip().startswith("#"))


def included(playbook: str) -> list[pathlib.Path]:
    """A playbook and the files of variables and tasks that it names."""
    path = PLAYBOOKS / f"{playbook}.yml"
    named = re.findall(r"(?:- |_tasks: )((?:vars|tasks)/\w+\.yml)", path.read_text())
    return [path, *(PLAYBOOKS / name for name in dict.fromkeys(named))]


@pytest.mark.parametrize("name", TEMPLATES)
def test_what_is_asked_for_is_documented_and_used(name: str) -> None:
    files = included(name)
    documented = set().union(*(words(comments(path)) for path in files))
    used = set().union(*(words(code(path)) for path in files))
    role = PROJECT / "roles" / name / "meta/argument_specs.yml"
    if role.is_file():
        # The playbook gives the answer to the role's variable of that name, or it is the role's variable itself.
        documented |= {word.removeprefix(f"{name}_") for word in words(role.read_text())}
        documented |= words(role.read_text())
        used |= words(role.read_text())
    given = {one["variable"] for one in TEMPLATES[name]["survey"]} | set(TEMPLATES[name]["extra_vars"])
    given |= {key for one in SETUP["awx_schedules"] if one["template"] == name for key in one.get("extra_data", {})}
    assert given <= documented, f"not documented: {given - documented}"
    assert given <= used, f"not used: {given - used}"


def test_every_playbook_of_an_operation_has_a_template() -> None:
    setting_up = {"awx_setup", "backup_host"}
    assert {path.stem for path in PLAYBOOKS.glob("*.yml")} - setting_up == set(TEMPLATES)


def test_what_is_injected_is_used_by_the_playbooks_or_said_for_inventories() -> None:
    used = words("".join(code(path) for path in PLAYBOOKS.rglob("*.yml") if path.name != "awx.yml"))
    told = words((PROJECT / "docs/pipelines.md").read_text()) | words(code(PROJECT / "examples/servicenow/vars.yml"))
    for one in SETUP["awx_credential_types"]:
        for name in (name for texts in one["injectors"].values() for name in texts):
            kind = re.sub(r"^recovery_(mssql|ldap|http)_", "recovery_windows_", name)
            assert name in used or kind in told, name
