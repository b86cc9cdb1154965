# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What modules say of themselves: their documentation, and the arguments they give to AnsibleModule."""

from __future__ import annotations

import contextlib
import importlib
import pathlib
from typing import Any
from unittest import mock

import yaml

PLUGINS = pathlib.Path(__file__).resolve().parents[2] / "plugins"
MODULES = sorted(path.stem for path in (PLUGINS / "modules").glob("[a-z]*.py"))
ACTIONS = sorted(path.stem for path in (PLUGINS / "action").glob("[a-z]*.py"))
COLLECTION = "ansible_collections.ucops.recovery.plugins"


class _Captured(Exception):
    pass


def load(name: str) -> Any:
    """The module's Python module."""
    return importlib.import_module(f"{COLLECTION}.modules.{name}")


def arguments(name: str) -> dict[str, Any]:
    """What the module gives to AnsibleModule."""
    module = load(name)
    capturing = mock.patch.object(module, "AnsibleModule", side_effect=_Captured)
    with capturing as created, contextlib.suppress(_Captured):
        module.main()
    return dict(created.call_args.kwargs)


def fragment(name: str) -> dict[str, Any]:
    """A documentation fragment, C(file) or C(file.variable)."""
    file, _dot, variable = name.partition(".")
    loaded = importlib.import_module(f"{COLLECTION}.doc_fragments.{file}")
    return dict(yaml.safe_load(getattr(loaded.ModuleDocFragment, (variable or "documentation").upper())))


def documentation(name: str) -> dict[str, Any]:
    """A module's documentation with its fragments; what the module says itself counts."""
    own = yaml.safe_load(load(name).DOCUMENTATION)
    merged: dict[str, Any] = {"options": {}, "attributes": {}}
    for full_name in own["extends_documentation_fragment"]:
        for section, content in fragment(full_name.removeprefix("ucops.recovery.")).items():
            for key, value in content.items():
                merged[section].setdefault(key, {}).update(value)
    for key, value in own.pop("attributes", {}).items():
        merged["attributes"].setdefault(key, {}).update(value)
    merged["options"].update(own.pop("options", {}))
    return {**own, **merged}


def spec_of_documentation(options: dict[str, Any]) -> dict[str, Any]:
    """Documented options in the form of an argument specification, without what documentation does not say."""
    spec = {}
    for name, option in options.items():
        entry = {
            key: option[key]
            for key in ("type", "elements", "choices", "default", "required", "aliases")
            if key in option
        }
        if "suboptions" in option:
            entry["options"] = spec_of_documentation(option["suboptions"])
        spec[name] = entry
    return spec


def plain_spec(options: dict[str, Any]) -> dict[str, Any]:
    """An argument specification without what documentation does not say."""
    spec = {}
    for name, option in options.items():
        entry = {
            key: option[key]
            for key in ("type", "elements", "choices", "default", "required", "aliases")
            if key in option
        }
        if "options" in option:
            entry["options"] = plain_spec(option["options"])
        spec[name] = entry
    return spec
