# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter C(whole_report)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.ucops.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.ucops.recovery.plugins.plugin_utils.host_data import as_data

DOCUMENTATION = r"""
name: whole_report
short_description: One report of the reports on several repositories
version_added: 0.2.0
author:
  - ucops contributors (@ucops)
description:
  - Puts the results of M(ucops.recovery.recovery_report) for the repositories of an inventory together, the worst host
    first, counts the findings, and says which of them fail the run.
options:
  _input:
    description:
      - The registered results, each with a C(place) that names C(backup_host) and C(repository).
    type: list
    elements: dict
    required: true
  undeclared:
    description:
      - Hosts of the inventory that declare no product, and not why they need no backup.
    type: list
    elements: str
    default: []
  fail_on:
    description:
      - The kinds of findings that fail the run.
    type: list
    elements: str
    default: []
seealso:
  - plugin: ucops.recovery.backup_concept
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Say what fails
  ansible.builtin.debug:
    msg: "{{ (answers | ucops.recovery.whole_report(fail_on=['never_backed_up', 'overdue'])).failing }}"
  vars:
    answers: "{{ [looked | combine({'place': {'backup_host': 'backup1', 'repository': '/srv/recovery'}})] }}"
"""

RETURN = r"""
_value:
  description:
    - C(at), C(hosts), C(orphans) and C(repositories) of all, each with C(backup_host) and C(repository).
    - C(hosts_total), how many of them are C(fine), and C(counts) of findings by kind.
    - C(undeclared), and C(failing), a list with C(host), C(source), C(product), C(instance), C(line), C(kind) and
      C(text).
    - C(outcomes), one of each host, for P(ucops.recovery.recovery_result#filter).
    - C(schema), the number V(1), for programs that read it.
  type: dict
"""


def whole_report(
    results: Sequence[Mapping[str, Any]], undeclared: Sequence[str] = (), fail_on: Sequence[str] = ()
) -> dict[str, Any]:
    """The report. Raises AnsibleFilterError."""
    from ansible_collections.ucops.recovery.plugins.plugin_utils.whole_report import whole_report as _whole_report

    try:
        return dict(as_data(_whole_report(results, undeclared, fail_on)))
    except RecoveryError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name and function."""
        return {"whole_report": whole_report}
