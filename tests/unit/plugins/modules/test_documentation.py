# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What modules say of themselves is what they do: options, examples, results, action plugins, groups."""

from __future__ import annotations

import importlib
import re

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from support import specifications
from support.connection_groups import CONNECTION_GROUPS

from ansible_collections.ucops.recovery.plugins.module_utils._module import argspec
from ansible_collections.ucops.recovery.plugins.module_utils._module.all_parts import PARTS
from ansible_collections.ucops.recovery.plugins.module_utils._module.argspec import UNLOCK_OPTIONS
from ansible_collections.ucops.recovery.plugins.module_utils._module.error_report import report
from ansible_collections.ucops.recovery.plugins.module_utils._module.unix_product_options import UNIX
from ansible_collections.ucops.recovery.plugins.module_utils._module.windows_product_options import LICENCES
from ansible_collections.ucops.recovery.plugins.plugin_utils.unseal import KeylessAction

ROOT = specifications.PLUGINS.parent
GROUPS = {
    **argspec.GROUPS,
    **CONNECTION_GROUPS,
    "report": report,
    "licences": lambda: argspec.ArgumentSpec(LICENCES),
    "unix": lambda: argspec.ArgumentSpec(UNIX),
}
INFO_ONLY = {
    "generation_diff",
    "generation_info",
    "preflight_info",
    "pushed_info",
    "recovery_report",
    "repository_info",
    "repository_verify",
    "starface_config",
    "starface_info",
} | {name for name in specifications.MODULES if name.endswith("_restore_plan")}


@pytest.mark.parametrize("name", sorted(GROUPS))
def test_every_fragment_says_what_its_builder_builds(name):
    documented = specifications.spec_of_documentation(specifications.fragment(name)["options"])
    assert documented == specifications.plain_spec(GROUPS[name]().options)


def test_every_fragment_with_options_has_a_builder():
    files = {path.stem for path in (specifications.PLUGINS / "doc_fragments").glob("[a-z]*.py")}
    found = set()
    for file in files:
        text = (specifications.PLUGINS / "doc_fragments" / f"{file}.py").read_text()
        for variable in re.findall(r"^    ([A-Z]+) = r", text, re.MULTILINE):
            name = file if variable == "DOCUMENTATION" else f"{file}.{variable.lower()}"
            if name not in PARTS and specifications.fragment(name)["options"]:
                found.add(name)
    assert found == set(GROUPS)


@pytest.mark.parametrize("name", specifications.MODULES)
def test_documented_options_are_the_options(name):
    documented = specifications.spec_of_documentation(specifications.documentation(name)["options"])
    assert documented == specifications.plain_spec(specifications.arguments(name)["argument_spec"])


def _descriptions(options):
    for option in options.values():
        description = option["description"]
        yield from description if isinstance(description, list) else [description]
        yield from _descriptions(option.get("suboptions", {}))


@pytest.mark.parametrize("name", specifications.MODULES)
def test_descriptions_are_text(name):
    assert all(isinstance(text, str) for text in _descriptions(specifications.documentation(name)["options"]))


@pytest.mark.parametrize("name", specifications.MODULES)
def test_every_module_supports_check_mode(name):
    assert specifications.arguments(name)["supports_check_mode"] is True
    assert specifications.documentation(name)["attributes"]["check_mode"]["support"] == "full"


@pytest.mark.parametrize("name", specifications.MODULES)
def test_attributes_are_all_decided(name):
    attributes = specifications.documentation(name)["attributes"]
    assert {"check_mode", "diff_mode", "idempotent", "action_group"} <= set(attributes)
    for attribute in attributes.values():
        assert attribute["description"] and attribute["support"]


@pytest.mark.parametrize("name", specifications.MODULES)
def test_secrets_are_never_logged(name):
    def secrets(options):
        for option_name, option in options.items():
            if re.search(r"pass(?!ive)|secret|identity$|identity_file|private_key$|file_keys", option_name):
                yield option_name, option
            yield from secrets(option.get("options", {}))

    for option_name, option in secrets(specifications.arguments(name)["argument_spec"]):
        wanted = option.get("type") == "bool" or option_name == "generate_domain_master_secret_file"
        assert option.get("no_log", wanted) is not wanted or wanted, option_name


def _tasks(name):
    for task in yaml.safe_load(specifications.load(name).EXAMPLES):
        for key, value in task.items():
            if key == f"ucops.recovery.{name}":
                yield value or {}
            elif "." in key:
                assert re.match(r"(ansible\.(builtin|posix)|ucops\.recovery)\.", key), key


def _concrete(value, option):
    if isinstance(value, str) and "{{" in value:
        return {"int": 1, "bool": True, "list": [], "dict": {}}.get(option.get("type"), "x")
    if isinstance(value, list):
        return [_concrete(one, {**option, "type": option.get("elements")}) for one in value]
    if isinstance(value, dict):
        return {key: _concrete(one, option.get("options", {}).get(key, {})) for key, one in value.items()}
    return value


@pytest.mark.parametrize("name", specifications.MODULES)
def test_examples_are_valid(name):
    spec = specifications.arguments(name)
    for word in ("supports_check_mode", "no_log"):
        spec.pop(word, None)
    options = spec["argument_spec"]
    tasks = list(_tasks(name))
    assert tasks
    for task in tasks:
        assert not {"unseal_stage", "file_keys", "stage", "plans"} & set(task)
        given = {key: _concrete(value, options.get(key, {})) for key, value in task.items()}
        assert ArgumentSpecValidator(**spec).validate(given).error_messages == []


def _returned(contains):
    for key, value in contains.items():
        yield key, value
        yield from _returned(value.get("contains", {}))


@pytest.mark.parametrize("name", specifications.MODULES)
def test_results_are_described(name):
    for key, value in _returned(yaml.safe_load(specifications.load(name).RETURN)):
        assert key not in ("items", "keys", "values") and key.isidentifier()
        assert value["description"] and value["type"] and value["returned"]
        assert value["type"] != "list" or value["elements"]


@pytest.mark.parametrize("verb", ["backup", "restore", "restore_plan"])
def test_what_is_done_to_every_product_returns_the_same(verb):
    names = {f"{product}_{verb}" for product in PARTS} & set(specifications.MODULES)
    returned = {specifications.load(name).RETURN for name in names}
    common = min(returned, key=len)
    # what a product pushes has more to say of it: that comes behind
    assert all(text.startswith(common) for text in returned)


@pytest.mark.parametrize("name", specifications.ACTIONS)
def test_every_action_has_its_module_and_says_so(name):
    assert name in specifications.MODULES
    assert specifications.documentation(name)["attributes"]["action"]["support"] == "full"


def test_every_module_has_an_action_in_front():
    assert specifications.ACTIONS == specifications.MODULES


@pytest.mark.parametrize("name", specifications.ACTIONS)
def test_an_action_knows_the_options_of_its_module(name):
    action = importlib.import_module(f"{specifications.COLLECTION}.action.{name}").ActionModule
    arguments = specifications.arguments(name)
    assert action.spec.options == arguments["argument_spec"]
    said = "Set by the action plugin; not for playbooks."
    documented = specifications.documentation(name)["options"]
    internal = {option for option in action.spec.options if said in documented[option]["description"]}
    internal |= {option for option in action.spec.options if option in ("file_keys", "unseal_stage", "stage", "plans")}
    assert set(action.internal_options) & set(action.spec.options) == internal
    assert action._supports_check_mode and not action._supports_async and not action.TRANSFERS_FILES


@pytest.mark.parametrize("name", specifications.ACTIONS)
def test_only_actions_that_consume_secrets_let_them_through(name):
    action = importlib.import_module(f"{specifications.COLLECTION}.action.{name}").ActionModule
    takes = set(UNLOCK_OPTIONS) & set(action.spec.options)
    assert bool(takes) == (not issubclass(action, KeylessAction))


@pytest.mark.parametrize("name", sorted(INFO_ONLY))
def test_modules_that_only_look_are_idempotent(name):
    assert specifications.documentation(name)["attributes"]["idempotent"]["support"] == "full"


def test_all_modules_are_in_the_action_group():
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())
    assert runtime["action_groups"]["recovery"] == specifications.MODULES
