# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import pathlib
import tempfile

import pytest
from support.procall import UcServerHost, uc_server

from ansible_collections.ucops.recovery.plugins.module_utils._products import estos_licences, procall_probe


@pytest.fixture
def uc_host(tmp_path, monkeypatch) -> UcServerHost:
    """A UCServer in memory, looked at without commands."""
    made = uc_server(tmp_path)
    monkeypatch.setattr(procall_probe, "look_at_windows", made.look)
    monkeypatch.setattr(procall_probe, "read_keys", made.read_keys)
    monkeypatch.setattr(estos_licences, "read_keys", made.read_keys)
    return made


@pytest.fixture
def open_folder():
    """A folder that another user can enter."""
    with tempfile.TemporaryDirectory(prefix="ucops-root-") as folder:
        os.chmod(folder, 0o755)
        yield pathlib.Path(folder)


@pytest.fixture
def stranger():
    """As whom to read so that closed files are closed."""
    return "nobody" if os.geteuid() == 0 else False
