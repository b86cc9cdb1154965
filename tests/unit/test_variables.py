# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every variable of the inventory that playbooks and roles look at stands on its page, and nothing else does."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Iterator
from typing import Any

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "variables.md"
FILES = sorted(
    path for folder in ("playbooks", "roles") for path in (ROOT / folder).rglob("*") if path.suffix in (".yml", ".j2")
)
NAME = re.compile(r"\brecovery_[a-z0-9_]*[a-z0-9]\b")

# Groups that a play makes of hosts, and keys of results.
NO_VARIABLES = {
    "recovery_backup_hosts",
    "recovery_drilled_hosts",
    "recovery_other_hosts",
    "recovery_point_seconds",
    "recovery_seconds",
}


class Loader(yaml.SafeLoader):
    """Reads C(!unsafe) texts as what they are."""


Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


def made(found: Any) -> Iterator[str]:
    """Variables that tasks and plays set themselves."""
    if isinstance(found, dict):
        for key, value in found.items():
            yield from NAME.findall(str(key))
            if key in ("register", "loop_var") and isinstance(value, str):
                yield value
            yield from made(value)
    elif isinstance(found, list):
        for one in found:
            yield from made(one)


def of_the_inventory() -> set[str]:
    """What is looked at and set nowhere. What credentials of AWX bring along, comes from outside as well."""
    used, own = set(), set(NO_VARIABLES)
    for path in FILES:
        text = path.read_text()
        used |= set(NAME.findall("\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))))
        if path.suffix == ".yml" and path.name != "awx.yml":
            own |= set(made(yaml.load(text, Loader)))  # noqa: S506
    own |= {path.stem for path in (ROOT / "plugins").glob("*/recovery_*.py")}
    return used - own


def test_every_variable_stands_on_the_page_and_nothing_else_does() -> None:
    rows = [line.split("|")[1] for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    told = [name for row in rows for name in NAME.findall(row)]
    assert sorted(told) == sorted(of_the_inventory())
    assert "docs/variables.md" in (ROOT / "README.md").read_text()
