# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option groups of all ways to a host, as their documentation fragments are called."""

from __future__ import annotations

from ansible_collections.ucops.recovery.plugins.module_utils._module.connections.http import http
from ansible_collections.ucops.recovery.plugins.module_utils._module.connections.landing import landing
from ansible_collections.ucops.recovery.plugins.module_utils._module.connections.ldap import ldap
from ansible_collections.ucops.recovery.plugins.module_utils._module.connections.mssql import mssql
from ansible_collections.ucops.recovery.plugins.module_utils._module.connections.ssh import ssh
from ansible_collections.ucops.recovery.plugins.module_utils._module.connections.starface import starface
from ansible_collections.ucops.recovery.plugins.module_utils._module.connections.windows import smb, winrm

CONNECTION_GROUPS = {
    "ssh": ssh,
    "winrm": winrm,
    "smb": smb,
    "mssql.connection": mssql,
    "ldap": ldap,
    "https": http,
    "landing": landing,
    "starface.connection": starface,
}
"""Documentation fragment -> builder. A product has the groups of its own way, never all of them."""
