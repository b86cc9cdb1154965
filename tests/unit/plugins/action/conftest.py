# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from support.repositories import TestRepository

from ansible_collections.ucops.recovery.plugins.module_utils._repository.backends.local import LocalBackend


@pytest.fixture(autouse=True)
def no_waiting_for_disks(monkeypatch):
    """What these tests ask does not depend on it."""
    monkeypatch.setattr(LocalBackend, "_sync", lambda self, paths: None)


@pytest.fixture
def repository(tmp_path):
    """An empty repository."""
    return TestRepository.create(tmp_path)
