# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a file of the collection imports, and what Ansible therefore sends with a module."""

from __future__ import annotations

import ast
import pathlib
from collections.abc import Iterator
from functools import cache

PLUGINS = pathlib.Path(__file__).resolve().parents[2] / "plugins"
COLLECTION = ("ansible_collections", "ucops", "recovery")


def imported(file: pathlib.Path, path: tuple[str, ...]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Line and absolute dotted path of everything that a file imports, wherever in the file."""
    package = (*COLLECTION, "plugins", *path[:-1])
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, tuple(alias.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = (*base, *(node.module.split(".") if node.module else ()))
            for alias in node.names:
                yield node.lineno, (*module, alias.name)


def payload(module: str, plugins: pathlib.Path = PLUGINS) -> set[str]:
    """What is sent with a module, as paths below C(module_utils).

    Ansible reads the imports and does not run them: those inside functions and of types alone count like any other.
    """
    found: set[str] = set()
    new = _needed(plugins, f"modules/{module}.py")
    while new:
        found |= new
        new = frozenset().union(*(_needed(plugins, f"module_utils/{path}") for path in new)) - found
    return found


@cache
def _needed(plugins: pathlib.Path, file: str) -> frozenset[str]:
    targets = [target for _line, target in imported(plugins / file, pathlib.PurePosixPath(file).parts)]
    shared = (*COLLECTION, "plugins", "module_utils")
    inside = [target[len(shared) :] for target in targets if target[: len(shared)] == shared]
    return frozenset(one for target in inside for one in _files(plugins / "module_utils", target))


def _files(folder: pathlib.Path, target: tuple[str, ...]) -> Iterator[str]:
    """The module that a dotted path names, or that holds what it names; and the packages on the way there."""
    for end in range(1, len(target) + 1):
        path = "/".join(target[:end])
        yield from (file for file in (f"{path}/__init__.py", f"{path}.py") if (folder / file).is_file())
