# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter C(recovery_outcome)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.ucops.recovery.plugins.plugin_utils.host_data import as_data

DOCUMENTATION = r"""
name: recovery_outcome
short_description: What became of a host, from the result of its product's module
version_added: 0.2.0
author:
  - ucops contributors (@ucops)
description:
  - Turns the result of a C(<product>_backup) or C(<product>_restore) module into the fact C(recovery_outcome) that the
    roles of this collection leave behind for every host. Small, without secrets, and never a success by accident.
options:
  _input:
    description:
      - The registered result. An empty one is that of a module that never ran.
    type: dict
    required: true
  host:
    description:
      - The host's name in the inventory.
    type: str
    required: true
  product:
    description:
      - Its product. A host without one is V(skipped), unless something failed.
    type: str
  options:
    description:
      - The options that the module was given. Of these V(source), V(instance) and V(phase) are looked at.
    type: dict
  backup_host:
    description:
      - Where the module ran, to be named when that host does not answer.
    type: str
  failure:
    description:
      - The result of another task that failed on the way, such as C(ansible_failed_result).
    type: dict
"""

EXAMPLES = r"""
- name: Say what became of it
  ansible.builtin.set_fact:
    recovery_outcome: >-
      {{ backed_up | ucops.recovery.recovery_outcome(host=inventory_hostname, product='kamailio') }}
"""

RETURN = r"""
_value:
  description:
    - C(host), C(source), C(product), C(instance), C(phase).
    - C(outcome), one of V(ok), V(failed), V(unreachable), V(awaiting_push), V(refused) and V(skipped).
    - C(problem) in one line, and the kind of C(error). Both are empty when nothing is wrong.
    - C(generation), what matters of the result's, or null.
    - C(changed), C(reused), C(open_restores), C(findings) as in the result.
    - C(failure), the same as M(ucops.recovery.error_report) wants it; empty for a host that is fine.
  type: dict
"""

# "instance" alone could be no keyword of a filter: Ansible has one of that name
_LOOKED_AT = ("source", "instance", "phase")


def recovery_outcome(
    result: Mapping[str, Any] | None, host: str, options: Mapping[str, Any] | None = None, **facts: Any
) -> dict[str, Any]:
    """The filter. Raises AnsibleFilterError."""
    from ansible_collections.ucops.recovery.plugins.plugin_utils.outcomes import outcome_of

    if result is not None and not isinstance(result, Mapping):
        raise AnsibleFilterError("recovery_outcome wants the registered result of a module")
    given = {name: str(options[name]) for name in _LOOKED_AT if options and options.get(name)}
    given.update((name, value) for name, value in facts.items() if value is not None)
    try:
        # what a host said is data, also for releases of Ansible that would take it for a template
        return dict(as_data(outcome_of(result, host=host, **given)))
    except TypeError as error:
        raise AnsibleFilterError(f"recovery_outcome: {error}") from None


class FilterModule:
    """Tells Ansible of the filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name and function."""
        return {"recovery_outcome": recovery_outcome}
