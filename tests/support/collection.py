# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes C(ansible_collections.ucops.recovery) importable from a plain checkout."""

from __future__ import annotations

import pathlib
import sys
import tempfile

PROJECT = pathlib.Path(__file__).resolve().parents[2]
_stages: list[tempfile.TemporaryDirectory[str]] = []


def make_importable() -> None:
    """Put a stage, whose collection is a link to this checkout, in front of the path. Twice is as good as once."""
    if _stages or PROJECT.parent.parent.name == "ansible_collections":
        return
    stage: tempfile.TemporaryDirectory[str] = tempfile.TemporaryDirectory(prefix="ucops-stage-")
    _stages.append(stage)
    namespace = pathlib.Path(stage.name) / "ansible_collections" / "ucops"
    namespace.mkdir(parents=True)
    (namespace / "recovery").symlink_to(PROJECT)
    sys.path.insert(0, stage.name)
