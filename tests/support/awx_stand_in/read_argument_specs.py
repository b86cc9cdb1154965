# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads what the modules of C(awx.awx) accept out of the collection itself, and prints it as JSON.

.. code-block:: shell

    pip download --no-deps --dest somewhere 'ansible>=12,<13'
    unzip -q somewhere/ansible-12*.whl 'ansible_collections/awx/awx/*' -d somewhere
    python tests/support/awx_stand_in/read_argument_specs.py somewhere > tests/support/awx_stand_in/argument_specs.json

Only names, types, defaults and choices are kept: what a caller has to know.
"""

from __future__ import annotations

import importlib
import json
import pathlib
import sys
from typing import Any

MODULES = ("credential_type", "execution_environment", "job_template", "project", "schedule", "workflow_job_template")
KEPT = ("type", "elements", "required", "default", "choices", "aliases", "no_log", "options", "fallback")


class _Read(Exception):
    """The argument specification, instead of the module's work."""


def _plain(options: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for name, one in options.items():
        found[name] = {key: value for key, value in one.items() if key in KEPT and key != "fallback"}
        if "options" in one:
            found[name]["options"] = _plain(one["options"])
    return found


def read(module: str) -> dict[str, Any]:
    """What one module accepts, with what logs in to AWX."""
    api = importlib.import_module("ansible_collections.awx.awx.plugins.module_utils.controller_api")

    def keep(_self: Any, argument_spec: dict[str, Any], **rules: Any) -> None:
        raise _Read({**api.ControllerAPIModule.AUTH_ARGSPEC, **argument_spec}, rules)

    options, rules = {}, {}
    original, api.ControllerAPIModule.__init__ = api.ControllerAPIModule.__init__, keep
    try:
        importlib.import_module(f"ansible_collections.awx.awx.plugins.modules.{module}").main()
    except _Read as found:
        options, rules = found.args
    finally:
        api.ControllerAPIModule.__init__ = original
    return {"options": _plain(options), "required_one_of": rules.get("required_one_of", [])}


def main() -> None:
    """Print all of them."""
    folder = pathlib.Path(sys.argv[1])
    sys.path.insert(0, str(folder))
    manifest = json.loads((folder / "ansible_collections/awx/awx/MANIFEST.json").read_text("utf-8"))
    about = manifest["collection_info"]
    found = {
        "source": f"{about['namespace']}.{about['name']} {about['version']} ({about['repository']})",
        "licence": ", ".join(about["license"]),
        "modules": {module: read(module) for module in MODULES},
    }
    print(json.dumps(found, indent=1, sort_keys=True))


if __name__ == "__main__":
    main()
