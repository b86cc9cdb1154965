# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs modules as Ansible does, in this process: arguments in, JSON out."""

from __future__ import annotations

import base64
import contextlib
import io
import json
from typing import Any
from unittest import mock

from ansible.module_utils import basic

from ansible_collections.ucops.recovery.plugins.plugin_utils.unseal import open_request

from .specifications import load

try:
    from ansible.module_utils.testing import patch_module_args
except ImportError:
    # before ansible-core 2.19
    @contextlib.contextmanager
    def patch_module_args(args):  # type: ignore[no-untyped-def]
        with mock.patch.object(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": args}).encode()):
            yield


def run_module(name: str, arguments: dict[str, Any], *, check: bool = False, diff: bool = False) -> dict[str, Any]:
    """The module's result, as it is printed."""
    out = io.StringIO()
    given = {**arguments, "_ansible_check_mode": check, "_ansible_diff": diff, "_ansible_remote_tmp": "/tmp"}
    with patch_module_args(given), contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        load(name).main()
    return dict(json.loads(out.getvalue()))


def run_unsealing(
    name: str,
    arguments: dict[str, Any],
    secret: Any,
    *,
    none_needed: bool = False,
    **how: bool,
) -> dict[str, Any]:
    """The module's result after both stages, with what the action plugin does in between."""
    answer = run_module(name, {**arguments, "unseal_stage": "request"}, **how)
    if "unseal" not in answer:
        return answer
    signers = arguments.get("allowed_signers")
    keys = open_request(answer["unseal"], secret, signers, none_needed=none_needed)
    sent = {sha: base64.b64encode(key).decode() for sha, key in keys.items()}
    return run_module(name, {**arguments, "unseal_stage": "open", "file_keys": sent}, **how)
