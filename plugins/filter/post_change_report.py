# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: post_change_report
short_description: The report of a change over all its hosts
version_added: 0.2.0
author:
  - ucops contributors (@ucops)
description:
  - Puts what the filter P(ucops.recovery.post_change_host#filter) says of each host into one report, those that are not
    fine first. The role C(post_change) renders it.
positional: facts, max_lines, outcomes
options:
  _input:
    description: What there is to say of each host.
    type: list
    elements: dict
    required: true
  facts:
    description: What the report begins with, such as change id and run id.
    type: dict
    required: true
  max_lines:
    description: At most so many lines of differences in all.
    type: int
    default: 5000
  outcomes:
    description: The C(recovery_outcome) of all hosts. One that nothing else is said of is in the report too.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: Show the verdict
  ansible.builtin.debug:
    msg: "{{ (judged | ucops.recovery.post_change_report({'change_id': 'CHG0042'})).verdict }}"
"""

RETURN = r"""
_value:
  description: Verdict, number of hosts by verdict, and the hosts. The page of the role C(post_change) describes it.
  type: dict
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.ucops.recovery.plugins.plugin_utils.host_data import as_data


def post_change_report(
    hosts: Sequence[Mapping[str, Any]],
    facts: Mapping[str, Any],
    max_lines: int = 5000,
    outcomes: Sequence[Mapping[str, Any]] = (),
) -> Any:
    """The filter. What a host says is data and no template, whatever stands in it."""
    from ansible_collections.ucops.recovery.plugins.plugin_utils.post_change import report

    try:
        return as_data(report(hosts, facts, int(max_lines), outcomes))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise AnsibleFilterError(f"post_change_report: {error}") from None


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Any]:
        return {"post_change_report": post_change_report}
