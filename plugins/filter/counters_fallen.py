# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: counters_fallen
short_description: Which counters of a host fell too far
version_added: 0.2.0
author:
  - ucops contributors (@ucops)
description:
  - Holds how much of its work a host does against what it did before, as the modules that back up count it.
  - What was counted before and cannot be counted any more has fallen.
positional: before, tolerance
options:
  _input:
    description: The counters now.
    type: dict
    required: true
  before:
    description: The counters before.
    type: dict
    required: true
  tolerance:
    description: So many percent of before have to be left.
    type: float
    default: 98
"""

EXAMPLES = r"""
- name: Wait until the telephones are back
  ucops.recovery.kamailio_backup:
    only_counters: true
  register: now
  until: now.counters | ucops.recovery.counters_fallen(before.counters) | length == 0
  retries: 10
"""

RETURN = r"""
_value:
  description: One phrase for each that fell, such as V(registrations, 120 before and 3 now); empty when none did.
  type: list
  elements: str
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError


def counters_fallen(after: Mapping[str, int], before: Mapping[str, int], tolerance: float = 98) -> list[str]:
    """The filter."""
    from ansible_collections.ucops.recovery.plugins.plugin_utils.counters import fallen

    try:
        return fallen(before, after, float(tolerance))
    except (AttributeError, TypeError, ValueError) as error:
        raise AnsibleFilterError(f"counters_fallen: {error}") from None


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Any]:
        return {"counters_fallen": counters_fallen}
