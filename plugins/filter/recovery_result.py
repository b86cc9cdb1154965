# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter C(recovery_result)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: recovery_result
short_description: The one small artifact of a run, from the outcomes of its hosts
version_added: 0.2.0
author:
  - ucops contributors (@ucops)
description:
  - Counts what became of all hosts, and names only those that are not fine. For M(ansible.builtin.set_stats), with
    which it becomes an artifact of a job of AWX and a variable of the jobs after it.
  - It holds no secret, and nothing that the repository does not hold as well. Change id, phase and host always find the
    generation with M(ucops.recovery.generation_info), so an artifact that is lost loses nothing.
options:
  _input:
    description:
      - The facts C(recovery_outcome) of the hosts.
    type: list
    elements: dict
    required: true
  operation:
    description:
      - Which operation it was, such as V(pre_change).
    type: str
    required: true
  hosts:
    description:
      - All hosts that the run should have looked after. One without an outcome failed.
    type: list
    elements: str
  run_id:
    description:
      - What all hosts of the run have in common.
    type: str
  change_id:
    description:
      - The change.
    type: str
  phase:
    description:
      - On which side of the change it stands.
    type: str
  started:
    description:
      - When the run began, UTC.
    type: str
  finished:
    description:
      - When it ended, UTC.
    type: str
  reports:
    description:
      - Paths of the reports that were written.
    type: list
    elements: str
"""

EXAMPLES = r"""
- name: Leave the artifact
  ansible.builtin.set_stats:
    data:
      recovery_result: >-
        {{ ansible_play_hosts_all | map('extract', hostvars) | map(attribute='recovery_outcome', default={})
           | ucops.recovery.recovery_result(operation='backup', hosts=ansible_play_hosts_all, run_id=run_id) }}
    aggregate: false
    per_host: false
  run_once: true
"""

RETURN = r"""
_value:
  description:
    - C(schema), the number of this form, 1.
    - C(operation), C(run_id), C(change_id), C(phase), C(started), C(finished) as they were given.
    - C(result), V(success) when all hosts are fine, V(failed) when none is V(ok) and V(partial) otherwise.
    - C(hosts_total), C(ok), C(changed), C(unchanged), C(skipped), C(failed), numbers of hosts.
    - C(not_fine), for each host that is neither V(ok) nor V(skipped) C(host), C(outcome), C(problem) and C(generation).
    - C(reports), paths.
  type: dict
"""


def recovery_result(outcomes: Sequence[Mapping[str, Any]], operation: str, **facts: Any) -> dict[str, Any]:
    """The filter. Raises AnsibleFilterError."""
    from ansible_collections.ucops.recovery.plugins.plugin_utils.outcomes import summary

    try:
        given = {name: value for name, value in facts.items() if value is not None}
        return summary(list(outcomes), operation=operation, **given)
    except (TypeError, AttributeError, KeyError) as error:
        raise AnsibleFilterError(f"recovery_result wants the facts recovery_outcome of hosts: {error}") from None


class FilterModule:
    """Tells Ansible of the filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name and function."""
        return {"recovery_result": recovery_result}
