# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.ucops.recovery.plugins.module_utils._module.parts.metadirectory import METADIRECTORY
from ansible_collections.ucops.recovery.plugins.module_utils._module.restore_module import restore_spec
from ansible_collections.ucops.recovery.plugins.plugin_utils.unseal import RestoreAction


class ActionModule(RestoreAction):
    """Keeps on the controller what opens the repository."""

    spec = restore_spec(METADIRECTORY)
