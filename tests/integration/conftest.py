# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from support.collection import make_importable
from support.long_first import begin_with
from support.playbooks import PROJECT

from lab.fixtures import controller, domain, fleet, windows_host

__all__ = ["controller", "domain", "fleet", "windows_host"]

LONG = (
    "change_gate",
    "killed_controller",
    "check_mode",
    "estos_fleet",
    "restore_drill_playbook",
    "awx_jobs",
    "fleet_backup",
    "report_playbook",
)
"""Files that take more than a minute, the longest first."""

make_importable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    begin_with(LONG, items)


@pytest.fixture(scope="session")
def stage(tmp_path_factory):
    """A folder of collections with this one, as an execution environment has them."""
    folder = tmp_path_factory.mktemp("stage")
    namespace = folder / "ansible_collections" / "ucops"
    namespace.mkdir(parents=True)
    (namespace / "recovery").symlink_to(PROJECT)
    return folder
