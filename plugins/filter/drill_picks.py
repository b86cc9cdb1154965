# SPDX-FileCopyrightText: 2026 ucops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: drill_picks
short_description: Decide which hosts are drilled, and which are overdue
version_added: 0.1.0
positional: now
author:
  - ucops contributors (@ucops)
description:
  - From the last restore drills of hosts to the decision on each of them, with the reason. The same facts always give
    the same decision.
  - A host that declares C(every) and passed no drill for so long is due. With O(budget) hosts are taken in the order
    of their last drill, the longest ago first, as long as the time that their last drills took fits. The due ones go
    first.
options:
  _input:
    description:
      - Facts of each host, as C(host), C(generation), which is the id of what would be drilled, C(last_drill), which is
        one of C(last_drills) of M(ucops.recovery.generation_info), and C(every), the span after which it is due.
    type: list
    elements: dict
    required: true
  now:
    description:
      - The time to decide for, in UTC like V(2026-01-31T12:00:00Z).
    type: str
    required: true
  budget:
    description:
      - The time that all drills of a run may take, such as V(4h).
    type: str
    default: ""
  estimate:
    description:
      - What a drill is taken to need where none was measured. Without it that is 15 minutes.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Say who is drilled tonight
  ansible.builtin.debug:
    msg: "{{ facts | ucops.recovery.drill_picks(now='2026-11-23T05:00:00Z', budget='4h') }}"
"""

RETURN = r"""
_value:
  description: Each host with C(host), C(picked), C(overdue) and C(why), those that are drilled first, in their order.
  type: list
  elements: dict
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.plugin_utils.host_data import as_data


def drill_picks(
    told: Sequence[Mapping[str, Any]], now: str, budget: str = "", estimate: str = ""
) -> list[dict[str, Any]]:
    """The decision on each host."""
    from ansible_collections.ucops.recovery.plugins.plugin_utils.drill_picks import picks

    try:
        return list(as_data(picks(told, now, budget or "", estimate or "")))
    except OptionInvalid as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        """Its name and function."""
        return {"drill_picks": drill_picks}
