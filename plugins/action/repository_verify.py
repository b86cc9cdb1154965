# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.ucops.recovery.plugins.module_utils._module.repository_verify import SPEC
from ansible_collections.ucops.recovery.plugins.plugin_utils.unseal import UnsealingAction


class ActionModule(UnsealingAction):
    """Keeps on the controller what opens the repository."""

    spec = SPEC
