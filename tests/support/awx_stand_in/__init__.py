# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for the collection C(awx.awx) and the AWX behind it, since neither is to be had in the tests.

Its actions accept exactly the arguments that the real modules declare: C(argument_specs.json) was read out of the real
collection by C(read_argument_specs.py) and says of which version. What they are given is kept in a file in place of an
AWX, so that a second run can tell that nothing changes.
"""

from __future__ import annotations

import json
import pathlib
import shutil
from typing import Any

HERE = pathlib.Path(__file__).resolve().parent
SPECIFICATIONS = HERE / "argument_specs.json"


class AwxStandIn:
    """The stand-in below a folder. ``collections`` is for C(ANSIBLE_COLLECTIONS_PATH)."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.collections = folder / "awx"
        self._state = folder / "awx.json"
        plugins = self.collections / "ansible_collections" / "awx" / "awx" / "plugins"
        for name in json.loads(SPECIFICATIONS.read_text("utf-8"))["modules"]:
            (plugins / "action").mkdir(parents=True, exist_ok=True)
            shutil.copy(HERE / "accept.py", plugins / "action" / f"{name}.py")

    @property
    def environment(self) -> dict[str, str]:
        """What the actions need to find their file and what they accept."""
        return {"AWX_STAND_IN": str(self._state), "AWX_STAND_IN_SPECIFICATIONS": str(SPECIFICATIONS)}

    @property
    def made(self) -> dict[str, dict[str, dict[str, Any]]]:
        """By module and name, what there is, with the arguments that made it."""
        if not self._state.exists():
            return {}
        found: dict[str, dict[str, dict[str, Any]]] = json.loads(self._state.read_text())
        return found
