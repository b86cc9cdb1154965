# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.parsing.dataloader import DataLoader
from support.repositories import TestRepository

from ansible_collections.ucops.recovery.plugins.module_utils._repository.backends.local import LocalBackend
from ansible_collections.ucops.recovery.plugins.plugin_utils.controller_files import ControllerFiles


@pytest.fixture(autouse=True)
def no_waiting_for_disks(monkeypatch):
    """What these tests ask does not depend on it."""
    monkeypatch.setattr(LocalBackend, "_sync", lambda self, paths: None)


@pytest.fixture
def repository(tmp_path):
    """An empty repository."""
    return TestRepository.create(tmp_path)


@pytest.fixture
def loader(tmp_path):
    """A data loader next to whose playbook C(controller/) lies."""
    folder = tmp_path / "controller"
    folder.mkdir()
    loader = DataLoader()
    loader.set_basedir(str(folder))
    return loader


@pytest.fixture
def files(loader):
    """The controller's files."""
    return ControllerFiles(loader)
