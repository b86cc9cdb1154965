# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from support.repositories import TestRepository


@pytest.fixture
def repository(tmp_path):
    """An empty repository."""
    return TestRepository.create(tmp_path)
