# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The body of the module C(starface_backup): which of the ways to a STARFACE's backups is taken."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._errors import OptionInvalid, RecoveryError
from .._items.landing.kept import Kept
from .._items.pushed_files import shown
from .._products.starface import Starface
from .._products.starface_rest import BackupsMissing
from .._products.starface_ways import AUTO, LANDING, starface
from .argspec import UNSEAL_STAGE_REQUEST, ArgumentSpec, arrival
from .backup_module import back_up, backup_spec
from .opening import open_backend
from .parts.starface import STARFACE
from .receiving import Receiver, zone_of

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


def starface_backup_spec() -> ArgumentSpec:
    """The options of C(starface_backup)."""
    return backup_spec(STARFACE).merge(arrival())


def back_up_starface(module: AnsibleModule) -> Mapping[str, Any]:
    """What the module returns. Raises RecoveryError; a bad or missing backup is an error with the result."""
    params = module.params
    takes_one = params["unseal_stage"] != UNSEAL_STAGE_REQUEST and not params["only_counters"]
    if takes_one and _arrives(params):
        product = Starface(STARFACE.product_options(params))
        return _receive(Receiver(module, STARFACE, product, open_backend(params)))
    return back_up(module, STARFACE)


def _receive(receiver: Receiver) -> dict[str, Any]:
    """The same, with a warning of what lies about in the clear."""
    try:
        result = receiver.run()
    except RecoveryError as error:
        if "result" in error.details:
            # what went wrong with the backup is not to be hidden by what goes wrong in looking beside it
            with contextlib.suppress(OSError, RecoveryError):
                error.details["result"]["warnings"] += _in_the_clear(receiver.module.params)
        raise
    result["warnings"] += _in_the_clear(receiver.module.params)
    return result


def _in_the_clear(params: Mapping[str, Any]) -> list[str]:
    kept = [shown(name) for name in Kept.load(zone_of(params)).names()]
    if not kept:
        return []
    which = f"{kept[0]} and {len(kept) - 1} more are" if len(kept) > 1 else f"{kept[0]} is"
    return [
        f"{which} in the repository and still in the landing zone in the clear, as good as a password of the"
        " appliance; remove what lies there, and say after: remove."
    ]


def _arrives(params: Mapping[str, Any]) -> bool:
    """Whether the backup is one that the appliance pushes. Raises what asking the appliance raises."""
    if params["mode"] != AUTO or not params["landing"]:
        return bool(params["mode"] == LANDING)
    if not (params["username"] and params["password"]) and not params["ssh"]:
        return True
    with STARFACE.transport(params) as transport:
        try:
            return not starface(transport).way
        except (BackupsMissing, OptionInvalid):
            return True
