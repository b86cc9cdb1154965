# SPDX-FileCopyrightText: 2026 ucops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: drill_judge
short_description: Tell which rungs of a restore drill a result stands for
version_added: 0.1.0
author:
  - ucops contributors (@ucops)
description:
  - From what a module returned in a restore drill to steps for M(ucops.recovery.drill_record).
  - A check that could not be made is V(not_possible), never V(passed).
positional: stage
options:
  _input:
    description:
      - What M(ucops.recovery.generation_extract) or the restore module of the product returned, failed or not.
    type: dict
    required: true
  stage:
    description:
      - V(opened) after everything was read, V(in_folder) for what a folder leaves of the rest, V(restored) after a
        restore, V(counted) for the numbers of its entries.
    type: str
    choices:
      - opened
      - in_folder
      - restored
      - counted
    required: true
  generation:
    description:
      - The generation, as M(ucops.recovery.generation_info) tells it.
    type: dict
    required: true
  seconds:
    description:
      - How long it took.
    type: float
    default: 0.0
"""

EXAMPLES = r"""
- name: Judge what came of the restore
  ansible.builtin.set_fact:
    steps: "{{ restored | ucops.recovery.drill_judge('restored', generation=found.generations[0], seconds=31) }}"
"""

RETURN = r"""
_value:
  description: Steps for the option O(ucops.recovery.drill_record#module:steps).
  type: list
  elements: dict
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.plugin_utils.host_data import as_data


def drill_judge(
    result: Mapping[str, Any], stage: str, generation: Mapping[str, Any], seconds: float = 0.0
) -> list[dict[str, Any]]:
    """The rungs that this stage decides on."""
    from ansible_collections.ucops.recovery.plugins.plugin_utils.drill_judging import judge

    try:
        return list(as_data(judge(result, stage, generation, float(seconds))))
    except OptionInvalid as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        """Its name and function."""
        return {"drill_judge": drill_judge}
