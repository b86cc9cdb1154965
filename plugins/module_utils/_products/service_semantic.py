# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two definitions of a Windows service in words: start, account, program, what happens when it fails."""

from __future__ import annotations

from collections.abc import Mapping

from .._compare.mask import Masker, readable
from .._compare.registry import RegistryTree
from .._compare.registry_secrets import TEXT_RULES, registry_changes
from .._compare.semantic import SemanticChange, compare_texts, judged
from .._items.service_settings import ServiceSettings, normal_form, not_kept_by_sc

KIND = "service setting"
LOOKED_AT = ("account", "program", "program when it fails", "security")
"""What decides whose code runs with which rights."""
_FOREVER = 0xFFFFFFFF
_ACTIONS = {0: "nothing", 1: "restart", 2: "reboot", 3: "run"}


def service_changes(service: str, old: RegistryTree, new: RegistryTree, masker: Masker) -> list[SemanticChange]:
    """What differs between two exports of a service's key, without what changes by itself. Another account, program or
    security descriptor is marked high."""
    try:
        before, after = (_words(ServiceSettings.of(tree, service), service, masker) for tree in (old, new))
    except ValueError:
        return registry_changes(normal_form(old), normal_form(new), masker, KIND)
    high = {f"{service} {what}" for what in LOOKED_AT}
    changes = judged(compare_texts(KIND, before, after), lambda change: change.object in high)
    return [*changes, *registry_changes(not_kept_by_sc(old), not_kept_by_sc(new), masker, KIND)]


def _words(one: ServiceSettings, service: str, masker: Masker) -> Mapping[str, str]:
    """Only what is set."""
    actions = ", ".join(f"{_ACTIONS.get(kind, kind)} after {delay} ms" for kind, delay in one.failure_actions)
    texts = {
        "start": one.start,
        "account": one.account,
        "program": one.image_path,
        "shown as": one.display_name,
        "description": one.description,
        "needs": ", ".join(one.depends),
        "group": one.group,
        "type": f"0x{one.type:x}",
        "when it cannot start": one.error_control,
        "when it fails": actions,
        "failures are forgotten": "never" if one.failure_reset == _FOREVER else f"after {one.failure_reset} s",
        "program when it fails": one.failure_command,
        "message before a reboot": one.reboot_message,
        "counts as failed": "also when it ends with an error" if one.failure_flag else "when it crashes",
        "SID": one.sid_type,
        "privileges": ", ".join(one.privileges),
        "security": one.security or "",
    }
    return {
        f"{service} {what}": readable(masker.mask_text(text, TEXT_RULES)[0]) for what, text in texts.items() if text
    }
