# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The body of the module C(starface_backup): which of the ways to a STARFACE's backups is taken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._errors import OptionInvalid
from .._products.starface import Starface
from .._products.starface_rest import BackupsMissing
from .._products.starface_ways import AUTO, LANDING, starface
from .argspec import UNSEAL_STAGE_REQUEST, ArgumentSpec, arrival
from .backup_module import back_up, backup_spec
from .connecting import transport_of
from .opening import open_backend
from .product_options import product_options
from .receiving import Receiver

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


def starface_backup_spec() -> ArgumentSpec:
    """The options of C(starface_backup)."""
    return backup_spec(Starface.name).merge(arrival())


def back_up_starface(module: AnsibleModule) -> Mapping[str, Any]:
    """What the module returns. Raises RecoveryError; a bad or missing backup is an error with the result."""
    params = module.params
    takes_one = params["unseal_stage"] != UNSEAL_STAGE_REQUEST and not params["only_counters"]
    if takes_one and _arrives(params):
        product = Starface(product_options(params, Starface.name))
        return Receiver(module, product, open_backend(params)).run()
    return back_up(module, Starface.name)


def _arrives(params: Mapping[str, Any]) -> bool:
    """Whether the backup is one that the appliance pushes. Raises what asking the appliance raises."""
    if params["mode"] != AUTO or not params["landing"]:
        return bool(params["mode"] == LANDING)
    if not (params["username"] and params["password"]) and not params["ssh"]:
        return True
    with transport_of(params, Starface.name) as transport:
        try:
            return not starface(transport).way
        except (BackupsMissing, OptionInvalid):
            return True
