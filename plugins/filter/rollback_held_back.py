# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter C(rollback_held_back)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.ucops.recovery.plugins.plugin_utils.host_data import as_data

DOCUMENTATION = r"""
name: rollback_held_back
short_description: Why a host is not rolled back now
version_added: 0.2.0
author:
  - ucops contributors (@ucops)
description:
  - A host waits for those that it works with, and for those that declare a smaller C(recovery_restore_order). When one
    of them failed it is left as it is.
options:
  _input:
    description:
      - What is known of each host, with what became of it so far.
    type: list
    elements: dict
    required: true
  host:
    description:
      - The host that is to be restored.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Look whether it may be restored
  ansible.builtin.set_fact:
    held_back: "{{ states | ucops.recovery.rollback_held_back(host=inventory_hostname) }}"
"""

RETURN = r"""
_value:
  description:
    - Empty when the host may be restored.
    - Else C(problem) says why not, and C(start) whether it may be started again if it was stopped.
  type: dict
"""


def rollback_held_back(states: Sequence[Mapping[str, Any]], host: str) -> dict[str, Any]:
    """The filter."""
    from ansible_collections.ucops.recovery.plugins.plugin_utils import rollback

    return dict(as_data(rollback.held_back(states, host)))


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {"rollback_held_back": rollback_held_back}
