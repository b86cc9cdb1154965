# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter C(scope_terms)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ansible.inventory.manager import split_host_pattern

DOCUMENTATION = r"""
name: scope_terms
short_description: The parts of a pattern of hosts that have to match some
version_added: 0.2.0
author:
  - ucops contributors (@ucops)
description:
  - Ansible only warns when a part of a pattern matches no host. With its parts a play can demand that each does.
options:
  _input:
    description:
      - A pattern, as the keyword C(hosts) of a play takes it, or a list of patterns.
    type: raw
    required: true
"""

EXAMPLES = r"""
- name: Demand that no part of the pattern is misspelt
  ansible.builtin.assert:
    that: query('ansible.builtin.inventory_hostnames', item) | length > 0
  loop: "{{ 'berlin:hamburg:!test*' | ucops.recovery.scope_terms }}"
"""

RETURN = r"""
_value:
  description:
    - The parts in their order, those of an intersection without their V(&). What is excluded is not among them, as it
      need not be there.
  type: list
  elements: str
"""


def scope_terms(pattern: str | Sequence[str]) -> list[str]:
    """The filter. Ansible itself splits, since colons and commas mean something else in ranges and addresses."""
    return [str(term).lstrip("&") for term in split_host_pattern(pattern) if not term.startswith("!")]


class FilterModule:
    """Tells Ansible of the filter."""

    def filters(self) -> dict[str, Callable[..., list[str]]]:
        """Name and function."""
        return {"scope_terms": scope_terms}
