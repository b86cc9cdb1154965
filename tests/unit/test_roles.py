# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a role can be told, what it does by default, and what its documentation says are the same."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
import yaml
from jinja2 import Environment

from ansible_collections.ucops.recovery.plugins.module_utils._module.fleet_hosts import AFTER, FLEET_PRODUCTS

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir())


def load(role: str, file: str) -> Any:
    return yaml.safe_load((ROOT / "roles" / role / file).read_text())


def options(role: str) -> dict[str, Any]:
    return load(role, "meta/argument_specs.yml")["argument_specs"]["main"]["options"]


@pytest.mark.parametrize("role", ROLES)
def test_every_variable_is_documented_and_has_the_default_that_is_said(role: str) -> None:
    defaults, said = load(role, "defaults/main.yml"), options(role)
    optional = {name for name, one in said.items() if not one.get("required")}
    assert set(defaults) == optional
    for name, one in said.items():
        assert name.startswith(f"{role}_")
        if "default" in one:
            assert defaults[name] == one["default"], name


@pytest.mark.parametrize("role", ROLES)
def test_no_variable_of_the_inside_can_be_taken_for_an_option(role: str) -> None:
    assert not set(load(role, "vars/main.yml")) & set(options(role))


@pytest.mark.parametrize("role", ROLES)
def test_what_names_a_password_is_never_shown(role: str) -> None:
    def secrets(found: dict[str, Any]) -> list[tuple[str, Any]]:
        below = [pair for one in found.values() for pair in secrets(one.get("options", {}))]
        return [(name, one) for name, one in found.items() if "password" in name] + below

    assert all(one.get("no_log") for _name, one in secrets(options(role)))


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_a_page_of_its_own(role: str) -> None:
    assert (ROOT / "roles" / role / "README.md").is_file()
    assert f"roles/{role}/README.md" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("role", ["backup", "restore"])
def test_every_product_has_its_place_in_the_roles_that_dispatch(role: str) -> None:
    modules = {path.stem.removesuffix(f"_{role}") for path in (ROOT / "plugins" / "modules").glob(f"*_{role}.py")}
    modules -= {"fleet"}  # all of them at once
    variables = load(role, "vars/main.yml")
    tasks = {path.stem for path in (ROOT / "roles" / role / "tasks").glob("*.yml")} - {"main", "fleet", "alone"}
    assert modules == tasks == set(variables[f"{role}_products"])
    assert set(variables[f"{role}_last_products"]) < modules


def test_what_comes_last_in_the_role_comes_last_in_a_job_for_all() -> None:
    assert set(load("backup", "vars/main.yml")["backup_last_products"]) & set(FLEET_PRODUCTS) == set(AFTER)


@pytest.mark.parametrize(("given", "reaches"), [("", "left out"), (0, 0), ("0", "0"), (30, 30), (0.5, 0.5)])
def test_no_lines_of_progress_is_an_answer_too(given: object, reaches: object) -> None:
    (task,) = (one for one in load("backup", "tasks/fleet.yml") if "ucops.recovery.fleet_backup" in one)
    expression = task["ucops.recovery.fleet_backup"]["progress_interval"].strip("{} ")
    made_out = Environment().compile_expression(expression, undefined_to_none=False)
    assert made_out(backup_progress_interval=given, omit="left out") == reaches
