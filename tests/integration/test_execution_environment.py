# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The image for AWX, as far as it gets without a container engine: its recipe, and what would be installed into it."""

from __future__ import annotations

import json
import pathlib
import shutil
import subprocess
import sys

import pytest
import yaml
from support.playbooks import PROJECT

BIN = pathlib.Path(sys.executable).parent
EXAMPLE = PROJECT / "examples/execution_environment/execution-environment.yml"


def run(*command, **how):
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, **how)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    """The folder that an engine would build."""
    context = tmp_path_factory.mktemp("recipe") / "context"
    run(
        BIN / "ansible-builder", "create", "--file", EXAMPLE, "--context", context, "--output-filename", "Containerfile"
    )
    return context


@pytest.fixture(scope="module")
def python_requirements(stage, tmp_path_factory):
    """What the collection asks for, as ansible-builder finds it inside of the image."""
    folder = tmp_path_factory.mktemp("found")
    run(
        *(BIN / "ansible-builder", "introspect", "--sanitize", stage),
        *("--write-pip", folder / "pip.txt", "--write-bindep", folder / "bindep.txt"),
    )
    return folder / "pip.txt"


def test_the_recipe_installs_the_collection_and_what_it_asks_for(recipe):
    steps = (recipe / "Containerfile").read_text()
    assert "ansible-galaxy collection install $ANSIBLE_GALAXY_CLI_COLLECTION_OPTS -r requirements.yml" in steps
    assert "introspect.py introspect" in steps
    wanted = yaml.safe_load((recipe / "_build" / "requirements.yml").read_text())["collections"]
    assert [one["name"] for one in wanted] == ["ucops.recovery", "awx.awx"]
    version = yaml.safe_load((PROJECT / "galaxy.yml").read_text())["version"]
    assert wanted[0]["version"].removeprefix(">=") <= version


def test_what_is_found_is_what_the_collection_says(python_requirements):
    said = [one for one in (PROJECT / "meta/ee-requirements.txt").read_text().splitlines() if not one.startswith("#")]
    found = [one.partition("#")[0].strip() for one in python_requirements.read_text().splitlines()]
    assert sorted(found) == sorted(said)


def test_what_is_found_can_be_installed_together(python_requirements, tmp_path):
    report = tmp_path / "report.json"
    base = yaml.safe_load(EXAMPLE.read_text())["dependencies"]
    run(
        *(sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--report", report),
        *("-r", python_requirements, base["ansible_core"]["package_pip"], base["ansible_runner"]["package_pip"]),
    )
    chosen = {
        one["metadata"]["name"].lower(): one["metadata"]["version"] for one in json.loads(report.read_text())["install"]
    }
    assert chosen["paramiko"].split(".")[0] in ("3", "4")
    assert {"ansible-core", "ansible-runner", "cryptography", "zstandard", "smbprotocol"} <= chosen.keys()


@pytest.mark.skipif(not shutil.which("dpkg-query"), reason="left out: not Debian")
def test_programs_that_the_collection_asks_for_are_there(python_requirements):
    run(BIN / "bindep", "-b", "-f", python_requirements.with_name("bindep.txt"))
