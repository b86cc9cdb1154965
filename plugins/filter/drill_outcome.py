# SPDX-FileCopyrightText: 2026 ucops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: drill_outcome
short_description: Tell what became of a host in a restore drill
version_added: 0.1.0
author:
  - ucops contributors (@ucops)
description:
  - From what was decided, found and signed in a restore drill to the outcome of the host.
  - What a host said is data in it, and never a template.
options:
  _input:
    description:
      - C(product), C(subject), C(generation), C(asked), C(decision), C(problem), C(refused), C(unrecorded),
        C(left), C(evidence), C(rto), C(rpo), C(accept_missed) and C(check_mode), as the role
        P(ucops.recovery.restore_drill#role) has them.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Say what became of a host that was not drilled
  ansible.builtin.debug:
    msg: "{{ {'product': 'linux', 'subject': 'pbx/linux', 'decision': decided} | ucops.recovery.drill_outcome }}"
"""

RETURN = r"""
_value:
  description: C(outcome), C(problem), which is one line, C(overdue), C(changed) and C(drill), the evidence.
  type: dict
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.ucops.recovery.plugins.plugin_utils.host_data import as_data


def drill_outcome(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What became of the host."""
    from ansible_collections.ucops.recovery.plugins.plugin_utils import drill_outcome as logic

    return dict(as_data(logic.drill_outcome(facts)))


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        """Its name and function."""
        return {"drill_outcome": drill_outcome}
