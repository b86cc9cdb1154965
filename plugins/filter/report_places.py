# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter C(report_places)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.ucops.recovery.plugins.plugin_utils.host_data import as_data

DOCUMENTATION = r"""
name: report_places
short_description: Which repository is asked about which hosts
version_added: 0.2.0
author:
  - ucops contributors (@ucops)
description:
  - Groups what an inventory declares by repository, ready for M(ucops.recovery.recovery_report). Hosts of which nobody
    says where their backups go form a group of their own, with a C(problem).
options:
  _input:
    description:
      - The declared hosts, each with C(backup_host), C(repository), and what
        O(ucops.recovery.recovery_report#module:hosts) takes. Anything else is left out.
    type: list
    elements: dict
    required: true
  repositories:
    description:
      - What is known of repositories, each with C(backup_host) and C(repository). The rest is handed through.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: Say which repositories there are
  ansible.builtin.debug:
    msg: "{{ declared | ucops.recovery.report_places | map(attribute='repository') | list }}"
"""

RETURN = r"""
_value:
  description:
    - One dictionary for each repository, with C(backup_host), C(repository), C(problem) and C(hosts).
  type: list
  elements: dict
"""


def _places(hosts: Any, repositories: Any = ()) -> Any:
    from ansible_collections.ucops.recovery.plugins.plugin_utils.report_places import report_places

    return as_data(report_places(hosts, repositories))


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name and function."""
        return {"report_places": _places}
