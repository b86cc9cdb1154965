# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from support.procall import UcServerHost, uc_server

from ansible_collections.ucops.recovery.plugins.module_utils._products import procall_probe


@pytest.fixture
def uc_host(tmp_path, monkeypatch) -> UcServerHost:
    """A UCServer in memory, looked at without commands."""
    made = uc_server(tmp_path)
    monkeypatch.setattr(procall_probe, "look_at_windows", made.look)
    monkeypatch.setattr(procall_probe, "read_keys", made.read_keys)
    return made
