# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: shared_failure_domains
short_description: What a host and its backup host have in common
version_added: 0.2.0
author:
  - ucops contributors (@ucops)
description:
  - Compares two declared failure domains. A backup that lies where its host lies is lost together with it.
positional: backup_host
options:
  _input:
    description:
      - The failure domain of the host that is backed up.
      - "A dictionary of kinds and names, such as V({host: pbx1, hypervisor: esx1, storage: [san1], site: berlin}), a
        list of names, or one name."
    type: raw
    required: true
  backup_host:
    description: The failure domain of the host that keeps the repository, written in the same way.
    type: raw
    required: true
"""

EXAMPLES = r"""
- name: Refuse a repository that is lost together with the host
  ansible.builtin.assert:
    that: shared.refused | length == 0
    fail_msg: "Both lie on {{ shared.refused | join(', ') }}"
  vars:
    shared: "{{ recovery_failure_domain | ucops.recovery.shared_failure_domains(backup_host_domain) }}"
"""

RETURN = r"""
_value:
  description:
    - A dictionary of two lists of words like V(hypervisor esx1).
    - C(refused) has what a repository may not share with its host, which is C(host), C(hypervisor) and C(storage), and
      every name that either side gives without a kind.
    - C(noticed) has what they share of other kinds, such as V(site berlin).
  type: dict
"""

from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.ucops.recovery.plugins.module_utils._errors import RecoveryError


def shared_failure_domains(target: Any, backup_host: Any) -> dict[str, list[str]]:
    """What the two have in common. Raises AnsibleFilterError."""
    from ansible_collections.ucops.recovery.plugins.plugin_utils.failure_domains import shared

    try:
        return shared(target, backup_host)
    except RecoveryError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        """Name -> function."""
        return {"shared_failure_domains": shared_failure_domains}
