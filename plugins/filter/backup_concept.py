# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter C(backup_concept)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.ucops.recovery.plugins.plugin_utils.host_data import as_data

DOCUMENTATION = r"""
name: backup_concept
short_description: The site's backup concept, clause by clause of M 6.101 and CON.3
version_added: 0.2.0
author:
  - ucops contributors (@ucops)
description:
  - Says to each clause of the safeguard M 6.101 and of the module CON.3 (edition 2023) of the BSI what is declared and
    what was found, what nobody declared, and what is not as it should be. It claims nothing that nobody declared.
  - The statements are keys and facts. Their texts stand with the role C(ucops.recovery.report), in English and German.
options:
  _input:
    description:
      - What P(ucops.recovery.whole_report#filter) returns.
    type: dict
    required: true
  declared:
    description:
      - What the inventory says of each host, as the role's C(report_hosts).
    type: list
    elements: dict
    required: true
  site:
    description:
      - What the operator says of the site as a whole, as the role's C(report_site).
    type: dict
    default: {}
  retention:
    description:
      - The options of M(ucops.recovery.repository_prune).
    type: dict
    default: {}
  copies:
    description:
      - Where further copies of the repositories are.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Say which clauses are not met
  ansible.builtin.debug:
    msg: >-
      {{ (report | ucops.recovery.backup_concept(declared)).clauses | rejectattr('verdict', 'eq', 'met')
         | map(attribute='clause') | list }}
"""

RETURN = r"""
_value:
  description:
    - C(clauses), each with C(clause), C(verdict) (V(met), V(not_declared), V(not_met)) and the statements C(stated),
      C(missing) and C(failed).
    - C(plans), the backup plan of each host, and C(site).
  type: dict
"""


def _with_defaults(report: Any, declared: Any, site: Any = None, retention: Any = None, copies: Any = None) -> Any:
    from ansible_collections.ucops.recovery.plugins.plugin_utils.backup_concept import backup_concept

    return as_data(backup_concept(report, declared, site or {}, retention or {}, copies or []))


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name and function."""
        return {"backup_concept": _with_defaults}
