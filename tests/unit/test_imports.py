# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Imports go one way: the rooms of the collection and who may know whom, enforced."""

from __future__ import annotations

import ast
import pathlib
from collections.abc import Iterator

import pytest
from support.imports import COLLECTION, imported

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = {"_entries", "_errors", "_libraries"}

KNOWS = {
    # room: the rooms that it may import, beside itself and the shared values
    "_transport": set(),
    "_repository": set(),
    "_compare": set(),
    "_items": {"_transport", "_compare"},
    "_products": {"_items", "_transport", "_compare"},
    "_module": {"_products", "_items", "_transport", "_compare", "_repository"},
    "plugin_utils": {"_module", "_compare", "_repository"},
    "modules": {"_module"},
    "action": {"plugin_utils", "_module"},
    "callback": {"plugin_utils"},
    "filter": {"plugin_utils", "_module"},
    "doc_fragments": set(),
    # recover.py lies in every repository and must work without the collection.
    "repository_documents": set(),
}
"""Of the shared values, which stand beside the rooms, everybody may know."""

KNOWS_ANSIBLE = {
    "_module": "ansible.module_utils",
    "modules": "ansible.module_utils",
    "action": "ansible",
    "callback": "ansible",
    "filter": "ansible",
    "plugin_utils": "ansible",
}
"""What of Ansible a room may know; a room that is not named knows nothing of it."""

KNOWS_LIBRARIES = {
    "_transport": {"cryptography", "ldap3", "paramiko", "pytds", "requests", "smbprotocol", "spnego", "winrm"},
    "_repository": {"cryptography", "fastcdc", "zstandard"},
    "repository_documents": {"cryptography", "zstandard"},
}
"""Third-party libraries, and where they are at home."""

LIBRARIES = {
    "boto3",
    "cryptography",
    "fastcdc",
    "ldap3",
    "paramiko",
    "pytds",
    "requests",
    "smbprotocol",
    "spnego",
    "winrm",
    "yaml",
    "zstandard",
}


def room_of(path: tuple[str, ...]) -> str:
    """The room of a file or module, given its path below ``plugins``."""
    if path[0] == "module_utils":
        return "shared" if path[1].removesuffix(".py") in SHARED | {"__init__"} else path[1]
    return path[1] if path[:2] == ("plugin_utils", "repository_documents") else path[0]


def forbidden(room: str, target: tuple[str, ...]) -> str | None:
    """Why a room may not import something, or None if it may."""
    if target[: len(COLLECTION)] == COLLECTION:
        there = room_of((*target[len(COLLECTION) + 1 :], "")[:3])
        if there in (room, "shared") or there in KNOWS.get(room, set()):
            return None
        return f"{room} must not know {there}"
    if target[0] == "ansible":
        allowed = KNOWS_ANSIBLE.get(room)
        if allowed is None:
            return f"{room} must not know Ansible"
        return None if target[: allowed.count(".") + 1] == tuple(allowed.split(".")) else f"{room} knows {allowed} only"
    if target[0] in LIBRARIES and target[0] not in KNOWS_LIBRARIES.get(room, set()):
        return f"{room} must not know {target[0]}"
    return None


def violations(plugins: pathlib.Path) -> list[str]:
    """Every import below a ``plugins`` folder that goes the wrong way."""
    found = []
    for file in sorted(plugins.rglob("*.py")):
        path = file.relative_to(plugins).parts
        room = room_of(path)
        for line, target in imported(file, path):
            reason = forbidden(room, target)
            if reason:
                found.append(f"{'/'.join(path)}:{line}: {reason} ({'.'.join(target)})")
    return found


def test_imports_go_one_way() -> None:
    assert violations(ROOT / "plugins") == []


def test_every_room_has_a_rule() -> None:
    rooms = {room_of(file.relative_to(ROOT / "plugins").parts) for file in (ROOT / "plugins").rglob("*.py")}
    assert rooms - {"shared"} <= set(KNOWS)


def test_no_rule_goes_in_a_circle() -> None:
    def reached(room: str, path: tuple[str, ...] = ()) -> None:
        assert room not in path, f"circle: {' -> '.join((*path, room))}"
        for further in KNOWS[room]:
            reached(further, (*path, room))

    for room in KNOWS:
        reached(room)


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("module_utils/_repository/x.py", "from .._products.kamailio import Kamailio"),
        ("module_utils/_repository/x.py", "from .._items import base"),
        ("module_utils/_repository/x.py", "from ansible.module_utils.basic import AnsibleModule"),
        ("module_utils/_repository/backends/x.py", "from ..._transport.base import Transport"),
        ("module_utils/_repository/x.py", "import paramiko"),
        ("module_utils/_transport/x.py", "from .._items.base import Item"),
        ("module_utils/_transport/x.py", "import zstandard"),
        ("module_utils/_items/x.py", "from .._products.base import Product"),
        ("module_utils/_items/x.py", "from .._repository import age"),
        ("module_utils/_products/x.py", "from .._module.run import run"),
        ("module_utils/_products/x.py", "from .._repository import reader"),
        ("module_utils/_products/x.py", "import ansible.module_utils.basic"),
        ("module_utils/_compare/x.py", "from .._repository import reader"),
        ("module_utils/_compare/x.py", "def late():\n    from .._transport import base"),
        ("module_utils/_module/x.py", "from ansible.plugins.action import ActionBase"),
        ("module_utils/_module/x.py", "from ansible_collections.ucops.recovery.plugins.plugin_utils import unseal"),
        ("module_utils/_entries.py", "from ._repository import age"),
        ("module_utils/_errors.py", "from ansible.module_utils.basic import AnsibleModule"),
        ("modules/x.py", "from ansible_collections.ucops.recovery.plugins.module_utils._products import kamailio"),
        ("modules/x.py", "from ansible_collections.ucops.recovery.plugins.module_utils import _repository"),
        ("modules/x.py", "from ansible.plugins.action import ActionBase"),
        ("plugin_utils/repository_documents/x.py", "from ..unseal import Unsealing"),
        ("plugin_utils/repository_documents/x.py", "from ansible.module_utils.basic import AnsibleModule"),
        ("doc_fragments/x.py", "from ansible_collections.ucops.recovery.plugins.module_utils._module import run"),
    ],
)
def test_an_import_that_goes_the_wrong_way_is_found(tmp_path: pathlib.Path, file: str, line: str) -> None:
    target = tmp_path / "plugins" / file
    target.parent.mkdir(parents=True)
    target.write_text(f"from __future__ import annotations\n\nimport os\n\n{line}\n")
    (found,) = violations(tmp_path / "plugins")
    assert found.startswith(file)


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("module_utils/_items/x.py", "from .._compare.normalise import LineNormaliser"),
        ("module_utils/_products/x.py", "from .._items.base import Item"),
        ("module_utils/_module/x.py", "from .._repository.writer import RepositoryWriter"),
        ("module_utils/_repository/backends/x.py", "from ..._errors import RepositoryFull"),
        ("module_utils/_repository/x.py", "from . import age"),
        ("modules/x.py", "from ansible_collections.ucops.recovery.plugins.module_utils._module.run import run"),
        ("action/x.py", "from ansible_collections.ucops.recovery.plugins.plugin_utils.unseal import UnsealingAction"),
    ],
)
def test_an_import_that_goes_the_right_way_is_not(tmp_path: pathlib.Path, file: str, line: str) -> None:
    target = tmp_path / "plugins" / file
    target.parent.mkdir(parents=True)
    target.write_text(f"{line}\n")
    assert violations(tmp_path / "plugins") == []


@pytest.mark.parametrize("file", sorted((ROOT / "plugins" / "filter").glob("[a-z]*.py")), ids=lambda file: file.stem)
def test_a_filter_loads_its_logic_when_it_is_called(file: pathlib.Path) -> None:
    """For one filter of a collection Ansible loads all of them, from source, in every process of every host."""
    at_once = {name for node in ast.parse(file.read_text()).body for name in collection_modules(node)}
    assert at_once <= {"plugin_utils.host_data", "module_utils._errors"}


def collection_modules(node: ast.stmt) -> Iterator[str]:
    """The collection's modules that a statement imports."""
    prefix = ".".join((*COLLECTION, "plugins."))
    if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(prefix[:-1]):
        module = (node.module or "")[len(prefix) :]
        yield from ([f"{module}.{one.name}" for one in node.names] if "." not in module else [module])
