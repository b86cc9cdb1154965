# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.ucops.recovery.plugins.module_utils._module.backup_module import backup_spec
from ansible_collections.ucops.recovery.plugins.module_utils._module.parts.windows import WINDOWS
from ansible_collections.ucops.recovery.plugins.plugin_utils.unseal import BackupAction


class ActionModule(BackupAction):
    """Keeps on the controller what opens the repository."""

    spec = backup_spec(WINDOWS)
