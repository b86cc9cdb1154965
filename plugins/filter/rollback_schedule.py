# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter C(rollback_schedule)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.ucops.recovery.plugins.plugin_utils.host_data import as_data

DOCUMENTATION = r"""
name: rollback_schedule
short_description: In which order the hosts of a change are rolled back, and whether they may be
version_added: 0.2.0
author:
  - ucops contributors (@ucops)
description:
  - Takes what the role P(ucops.recovery.rollback#role) found out about each host and says what is to be done.
options:
  _input:
    description:
      - What is known of each host.
    type: list
    elements: dict
    required: true
  confirm:
    description:
      - Whether what would be lost was confirmed. True for all hosts, or a list of sources.
    type: raw
    default: false
  last_products:
    description:
      - Products that come after all others unless their hosts declare an order.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Plan
  ansible.builtin.set_fact:
    schedule: "{{ states | ucops.recovery.rollback_schedule(confirm=false, last_products=['procall_server']) }}"
"""

RETURN = r"""
_value:
  description:
    - C(losses) lists what each host would lose.
    - C(refused) says of each host why it is not touched. When it is not empty nothing is.
    - C(stop) names the hosts that are stopped first, C(waves) those that are restored, in groups one after the other.
  type: dict
"""

YES = ("1", "on", "t", "true", "y", "yes")
NO = ("", "0", "f", "false", "n", "no", "off")


def rollback_schedule(
    states: Sequence[Mapping[str, Any]], confirm: Any = False, last_products: Sequence[str] = ()
) -> dict[str, Any]:
    """The filter. Raises AnsibleFilterError."""
    from ansible_collections.ucops.recovery.plugins.plugin_utils import rollback

    refused = rollback.refusals(states, confirmation(confirm))
    stop = [] if refused else rollback.to_stop(states)
    # what a host said is data, also for releases of Ansible that would take it for a template
    schedule = {
        "losses": rollback.losses_by_host(states),
        "refused": refused,
        "stop": stop,
        "waves": [] if refused else rollback.waves(states, stop, last_products),
    }
    return dict(as_data(schedule))


def confirmation(value: Any) -> bool | list[str]:
    """What somebody said of the losses, also on a command line, where everything is text.

    A question of AWX that nobody answered comes as nothing at all.
    """
    if value is None:
        return False
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        if value.strip().lower() in (*YES, *NO):
            return value.strip().lower() in YES
        return [name.strip() for name in value.split(",") if name.strip()]
    if isinstance(value, Sequence):
        return [str(name) for name in value]
    raise AnsibleFilterError("rollback_confirm is true, false or a list of sources")


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {"rollback_schedule": rollback_schedule}
