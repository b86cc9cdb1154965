# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter C(change_left_out)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.ucops.recovery.plugins.plugin_utils.host_data import as_data

DOCUMENTATION = r"""
name: change_left_out
short_description: Hosts of a change that a run after it leaves out, and why that is none to be passed over
version_added: 0.2.0
author:
  - ucops contributors (@ucops)
description:
  - Finds hosts that were saved before a change and that nobody looked at since, neither this run nor one before it.
options:
  _input:
    description:
      - Hosts that are not in the run, each with C(host), C(source), C(product), C(instance), C(backup_host) and
        C(repository).
    type: list
    elements: dict
    required: true
  looked:
    description:
      - Results of M(ucops.recovery.generation_info) for the change, of a loop over their repositories, each with
        C(backup_host) and C(repository) in C(item). One without C(generations) is that of a repository that cannot be
        read.
    type: list
    elements: dict
    required: true
  wanted:
    description:
      - Hosts that are not in the run, and that somebody named as hosts of the change.
      - Without any, hosts of a repository that cannot be read are among those that are returned.
    type: list
    elements: str
"""

EXAMPLES = r"""
- name: Name them
  ansible.builtin.debug:
    msg: "{{ others | ucops.recovery.change_left_out(looked=generations_of_the_change.results) }}"
"""

RETURN = r"""
_value:
  description:
    - By the name of the host, why the run must not pass over it.
  type: dict
"""


def change_left_out(
    others: Sequence[Mapping[str, Any]], looked: Sequence[Mapping[str, Any]], wanted: Sequence[str] | None = None
) -> dict[str, str]:
    """The filter. Raises AnsibleFilterError."""
    from ansible_collections.ucops.recovery.plugins.plugin_utils.left_out import left_out

    try:
        return dict(as_data(left_out(others, looked, wanted or ())))
    except (TypeError, AttributeError, KeyError, ValueError) as error:
        raise AnsibleFilterError(f"change_left_out wants hosts and results of generation_info: {error}") from None


class FilterModule:
    """Tells Ansible of the filter."""

    def filters(self) -> dict[str, Callable[..., dict[str, str]]]:
        """Name and function."""
        return {"change_left_out": change_left_out}
