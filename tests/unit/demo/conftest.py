# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo's files import each other by name, as they do when demo/run.py is started."""

from __future__ import annotations

import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "demo"))


@pytest.fixture(scope="session")
def fleet(tmp_path_factory):
    """The whole fleet, serving. Tests that change a host put it back."""
    from demo_fleet import Fleet

    with Fleet(tmp_path_factory.mktemp("demo") / "fleet") as running:
        yield running
