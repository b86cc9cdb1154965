# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: post_change_host
short_description: What there is to say of one host after a change
version_added: 0.2.0
author:
  - ucops contributors (@ucops)
description:
  - Puts the results of a backup after a change, of the difference and of the counters into one verdict. The role
    C(post_change) uses it.
positional: change_id, pre, difference, counters, tolerance, fail_on, problems
options:
  _input:
    description: The C(recovery_outcome) of the backup.
    type: dict
    required: true
  change_id:
    description: The change.
    type: str
    required: true
  pre:
    description: The generations before the change, as M(ucops.recovery.generation_info) lists them.
    type: list
    elements: dict
    required: true
  difference:
    description: The result of M(ucops.recovery.generation_diff), or nothing.
    type: dict
    default: {}
  counters:
    description: How much of its work the host does now.
    type: dict
    default: {}
  tolerance:
    description: So many percent of the counters before have to be left.
    type: float
    default: 98
  fail_on:
    description: The grade from which on a finding makes the host fail, V(high), V(medium) or V(none).
    type: str
    default: high
  problems:
    description: What failed beside, one sentence each.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Judge
  ansible.builtin.set_fact:
    judged: "{{ recovery_outcome | ucops.recovery.post_change_host('CHG0042', before.generations, difference) }}"
"""

RETURN = r"""
_value:
  description:
    - Verdict, outcome, problem, findings, changes, counters, text and opaque parts of the host, all without control
      characters. The page of the role C(post_change) describes them.
  type: dict
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.ucops.recovery.plugins.plugin_utils.host_data import as_data


def post_change_host(
    outcome: Mapping[str, Any],
    change_id: str,
    pre: Sequence[Mapping[str, Any]],
    difference: Mapping[str, Any] | None = None,
    counters: Mapping[str, int] | None = None,
    tolerance: float = 98,
    fail_on: str = "high",
    problems: Sequence[str] = (),
) -> Any:
    """The filter. What a host says is data and no template, whatever stands in it."""
    from ansible_collections.ucops.recovery.plugins.plugin_utils.post_change import of_host

    try:
        return as_data(
            of_host(
                outcome,
                change_id=str(change_id),
                pre=pre,
                difference=difference or {},
                counters=counters or {},
                tolerance=float(tolerance),
                fail_on=str(fail_on),
                problems=problems,
            )
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise AnsibleFilterError(f"post_change_host: {error}") from None


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Any]:
        return {"post_change_host": post_change_host}
