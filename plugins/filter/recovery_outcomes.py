# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter C(recovery_outcomes)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.ucops.recovery.plugins.plugin_utils.host_data import as_data

DOCUMENTATION = r"""
name: recovery_outcomes
short_description: The outcome of every host that was wanted, none silently left out
version_added: 0.2.0
author:
  - ucops contributors (@ucops)
description:
  - Completes the facts C(recovery_outcome) that a run left. A host without one failed.
options:
  _input:
    description:
      - The facts C(recovery_outcome), empty ones among them.
    type: list
    elements: dict
    required: true
  hosts:
    description:
      - All hosts that the run should have looked after.
    type: list
    elements: str
    required: true
  left_out:
    description:
      - Hosts that are wanted and that the run was not let near, such as by C(--limit). They are V(refused).
      - A list of names, or a dictionary that says why by name.
    type: raw
  require_product:
    description:
      - Whether a host that declares no product is V(refused) and not V(skipped).
    type: bool
"""

EXAMPLES = r"""
- name: Look at all of them
  ansible.builtin.debug:
    msg: >-
      {{ ansible_play_hosts_all | map('extract', hostvars) | map(attribute='recovery_outcome', default={})
         | ucops.recovery.recovery_outcomes(hosts=ansible_play_hosts_all) }}
"""

RETURN = r"""
_value:
  description:
    - One outcome for each host, as P(ucops.recovery.recovery_outcome#filter) describes it.
  type: list
  elements: dict
"""


def recovery_outcomes(
    outcomes: Sequence[Mapping[str, Any]], hosts: Sequence[str], **facts: Any
) -> list[dict[str, Any]]:
    """The filter. Raises AnsibleFilterError."""
    from ansible_collections.ucops.recovery.plugins.plugin_utils.outcomes import complete_outcomes

    try:
        given = {name: value for name, value in facts.items() if value is not None}
        return list(as_data(complete_outcomes(list(outcomes), list(hosts), **given)))
    except (TypeError, AttributeError, KeyError) as error:
        raise AnsibleFilterError(f"recovery_outcomes wants the facts recovery_outcome of hosts: {error}") from None


class FilterModule:
    """Tells Ansible of the filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name and function."""
        return {"recovery_outcomes": recovery_outcomes}
