# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: kept_repositories
short_description: Which repositories an inventory declares, and how each is to be kept
version_added: 0.2.0
author:
  - ucops contributors (@ucops)
description:
  - Hosts that are backed up declare a backup host and a repository on it. This finds all of them, so that none is left
    out because its backup host does not name it itself.
  - Of the variables about keeping a repository, those of its backup host count first if it is the repository that the
    backup host names itself. Otherwise those of the hosts that declare the repository count, which must not differ, and
    then those of the backup host.
  - Several repositories may share a file of heads. A line in it belongs to the repository whose hosts declare it.
positional: lines, heads
options:
  _input:
    description:
      - All hosts of the inventory, with C(host), C(backup_host), C(repository) and C(settings), a dictionary of those
        variables that are defined for it.
    type: list
    elements: dict
    required: true
  lines:
    description: What the inventory backs up, with C(source), C(product), C(instance), C(backup_host), C(repository).
    type: list
    elements: dict
    required: true
  heads:
    description: What is in each file of heads, by the name of the file.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Say which repositories there are
  ansible.builtin.debug:
    msg: "{{ declared | ucops.recovery.kept_repositories([], {}) }}"
  vars:
    declared:
      - {host: pbx-berlin, backup_host: backup1, repository: /srv/recovery, settings: {}}
"""

RETURN = r"""
_value:
  description:
    - By the name of the backup host a list of repositories.
    - Each has C(repository), C(settings), and in C(conflicts) the names of variables in which hosts differ.
    - C(expected_heads) are the heads that the repository must have. C(unclear_heads) are those of lines that no host
      declares any more, from a file that several repositories share, so that the repository must have them if it has
      the line.
  type: dict
"""

from typing import Any

from ansible.errors import AnsibleFilterError


def kept_repositories(hosts: Any, lines: Any, heads: Any) -> dict[str, list[dict[str, Any]]]:
    """The repositories of every backup host. Raises AnsibleFilterError."""
    from ansible_collections.ucops.recovery.plugins.plugin_utils.kept_repositories import kept_repositories as keep

    try:
        return keep(hosts, lines, heads)
    except (AttributeError, KeyError, TypeError) as error:
        raise AnsibleFilterError(f"This is no list of hosts: {error!r}") from None


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        """Name -> function."""
        return {"kept_repositories": kept_repositories}
