# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The body of the module C(pushed_backup): any files that arrive, or that a person downloaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._products.pushed import Pushed
from .argspec import ArgumentSpec
from .opening import open_backend
from .parts.pushed import PUSHED
from .receiving import Receiver, received_spec

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


def pushed_spec() -> ArgumentSpec:
    """The options of C(pushed_backup)."""
    path = ArgumentSpec(
        {"path": {"type": "path"}}, mutually_exclusive=[["path", "landing"]], required_one_of=[["path", "landing"]]
    )
    return received_spec(PUSHED).merge(path)


def receive_backup(module: AnsibleModule) -> Mapping[str, Any]:
    """What C(pushed_backup) returns. Raises RecoveryError; a bad or missing backup is an error with the result."""
    product = Pushed(PUSHED.product_options(module.params))
    return Receiver(module, PUSHED, product, open_backend(module.params)).run()
