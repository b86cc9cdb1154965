# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's side of an appliance's own passphrase: it becomes a fingerprint here and goes nowhere."""

from __future__ import annotations

from typing import Any

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._module.appliance_secret import Fingerprint, fingerprint
from ansible_collections.ucops.recovery.plugins.plugin_utils.controller_files import as_text
from ansible_collections.ucops.recovery.plugins.plugin_utils.unseal import KeylessAction, ReceivingAction


def take_fingerprint(options: dict[str, Any]) -> Fingerprint | None:
    """Put the fingerprint of the option C(appliance_secret) in its place, made to be compared with the declared one.

    Returns it when there is none declared. Raises OptionInvalid, WeakSecret.
    """
    secret, declared = (options.pop(name, None) or "" for name in ("appliance_secret", "appliance_secret_fingerprint"))
    like = None
    if declared:
        options["appliance_secret_fingerprint"] = as_text("appliance_secret_fingerprint", declared).strip()
        like = Fingerprint.parse(options["appliance_secret_fingerprint"])
    if not secret:
        return None
    found = fingerprint(as_text("appliance_secret", secret), like)
    options["appliance_secret"] = str(found)
    return None if declared else found


class ApplianceBackupAction(ReceivingAction):
    """In front of the backup of an appliance."""

    def serve(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The module's answer."""
        if take_fingerprint(options) is not None:
            raise OptionInvalid(
                "There is no fingerprint that appliance_secret could be compared with",
                item="appliance_secret_fingerprint",
                hint="ucops.recovery.keyfactor_appliance_info gives it when it is called with appliance_secret.",
            )
        return super().serve(options, task_vars)


class ApplianceInfoAction(KeylessAction):
    """In front of the look at an appliance: gives the fingerprint that is to be declared."""

    def serve(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The module's answer, with the fingerprint when there was none."""
        found = take_fingerprint(options)
        answer = super().serve(options, task_vars)
        if found is not None and "appliance_secret" in answer:
            answer["appliance_secret"]["fingerprint"] = str(found)
        return answer
