# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is installed, what an execution environment gets, and what the code demands are the same."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._libraries import MINIMUM

ROOT = pathlib.Path(__file__).resolve().parents[2]


def lower_bounds(file: str) -> dict[str, tuple[int, ...]]:
    found = {}
    for line in (ROOT / file).read_text().splitlines():
        if line and not line.startswith("#"):
            name, version = line.split(",")[0].split(">=")
            found[name] = tuple(int(part) for part in version.split("."))
    return found


@pytest.mark.parametrize("file", ["requirements.txt", "meta/ee-requirements.txt"])
def test_minimum_versions_are_the_ones_that_the_code_demands(file: str) -> None:
    found = lower_bounds(file)
    assert set(found) == set(MINIMUM)
    for name, version in MINIMUM.items():
        assert (*found[name], 0)[:2] == version, name


@pytest.mark.parametrize("file", ["requirements.txt", "meta/ee-requirements.txt"])
def test_paramiko_keeps_the_algorithms_of_old_systems(file: str) -> None:
    assert "paramiko>=3.4,<5" in (ROOT / file).read_text().splitlines()


def test_the_oldest_environment_has_the_oldest_libraries() -> None:
    lines = (ROOT / "requirements-oldest.txt").read_text().splitlines()
    for name, version in MINIMUM.items():
        assert f"{name}=={'.'.join(map(str, version))}.*" in lines
