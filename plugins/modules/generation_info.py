#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 ucops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: generation_info
short_description: List and find generations, without any key
version_added: 0.1.0
author:
  - ucops contributors (@ucops)
description:
  - Lists the generations of a repository, oldest first, filtered by what their signed records say.
requirements:
  - cryptography >= 41.0
extends_documentation_fragment:
  - ucops.recovery.repository
  - ucops.recovery.attributes
  - ucops.recovery.attributes.info
  - ucops.recovery.attributes.action
  - ucops.recovery.attributes.group
options:
  source:
    description:
      - Only generations of this source.
    type: str
  product:
    description:
      - Only generations of this product.
    type: str
  instance:
    description:
      - Only generations of this instance. An empty string means those without an instance.
    type: str
  phase:
    description:
      - Only generations of this phase.
    type: str
    choices:
      - scheduled
      - manual
      - pre_change
      - post_change
      - pre_restore
  change_id:
    description:
      - Only generations that belong to this change.
    type: str
  status:
    description:
      - Only generations of this status.
    type: str
    choices:
      - complete
      - partial
  latest:
    description:
      - Of every source, product and instance, only the newest generation that the other options leave.
      - What was pruned is none of them.
    type: bool
    default: false
seealso:
  - module: ucops.recovery.generation_hold
  - module: ucops.recovery.generation_diff
  - module: ucops.recovery.generation_extract
"""

EXAMPLES = r"""
- name: Find what was saved before the change
  ucops.recovery.generation_info:
    repository: /srv/recovery
    change_id: CHG0042
    phase: pre_change
    status: complete
    latest: true
  delegate_to: backup1
  register: before

- name: Show the ids
  ansible.builtin.debug:
    msg: "{{ before.generations | map(attribute='id') }}"
"""

RETURN = r"""
generations:
  description: The generations that were found, oldest first within each source and product.
  type: list
  elements: dict
  returned: success
  contains:
    id:
      description: Id of the generation.
      type: str
      returned: always
      sample: pbx-berlin/kamailio/7
    source:
      description: Name of the source.
      type: str
      returned: always
    product:
      description: Name of the product.
      type: str
      returned: always
    instance:
      description: Name of the instance, empty when there is only one.
      type: str
      returned: always
    sequence:
      description: Number of the generation.
      type: int
      returned: always
    status:
      description: V(complete), or V(partial) when something that the product demands is missing or was cut.
      type: str
      returned: always
    missing:
      description: What is missing in a partial generation.
      type: list
      elements: str
      returned: always
    phase:
      description: On which side of a change it stands.
      type: str
      returned: always
    change_id:
      description: The change that it belongs to.
      type: str
      returned: always
    attempt:
      description: Which try it is for this change and phase.
      type: int
      returned: always
    reason:
      description: Why it was made.
      type: str
      returned: always
    actor:
      description: Who made it.
      type: str
      returned: always
    job:
      description: The job that made it.
      type: str
      returned: always
    run_id:
      description: The run that it belongs to.
      type: str
      returned: always
    release:
      description: Release of the product.
      type: str
      returned: always
    counts:
      description: How many of what the product counts, such as users and servers.
      type: dict
      returned: always
    counters:
      description:
        - How much of its work the host did then, such as C(registrations) and C(trunks_up). It is no content.
        - What could not be counted is not in it.
      type: dict
      returned: always
    received_at:
      description: When it was committed, by the clock of the backup host.
      type: str
      returned: always
      sample: "2026-11-23T05:30:25Z"
    gathered:
      description: What was gathered, by name, with C(bytes), C(entries) and C(data_class).
      type: dict
      returned: always
    objects:
      description: How many sealed objects it needs.
      type: int
      returned: always
    stored_bytes:
      description: Size of the sealed objects that it needs, some of which it shares with other generations.
      type: int
      returned: always
    head:
      description: Hash of its record.
      type: str
      returned: always
    signer:
      description: Who signed it.
      type: str
      returned: always
    pruned:
      description: When it was let go, by whom and why, as C(at), C(by) and C(reason). Empty while it is kept.
      type: dict
      returned: always
    expired_classes:
      description: Data classes of it that were let go alone, each with C(at), C(by) and C(reason).
      type: dict
      returned: always
    holds:
      description: Holds that are in force, as M(ucops.recovery.generation_hold) returns them.
      type: list
      elements: dict
      returned: always
    drills:
      description: Restore drills of it, oldest first, as RV(last_drills) tells them.
      type: list
      elements: dict
      returned: always
last_drills:
  description:
    - The last restore drills of each source and product, by a name like V(pbx-berlin/kamailio), with C(newest) and
      C(passed), which are null where there is none.
    - Each has C(generation), C(at), C(outcome), which is V(passed) or V(failed), C(reached), which is the highest rung
      that passed, C(recovery_seconds), C(recovery_point_seconds), C(objectives_met), C(target), C(actor),
      C(job), C(signer), and the name C(evidence) and C(digest) of the signed file.
  type: dict
  returned: success
damaged:
  description: Sources that cannot be read, with the reason.
  type: list
  elements: dict
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ucops.recovery.plugins.module_utils._module.generation_info import SPEC, list_generations
from ansible_collections.ucops.recovery.plugins.module_utils._module.run import run


def main() -> None:
    module = AnsibleModule(supports_check_mode=True, **SPEC.to_kwargs())
    run(module, lambda: list_generations(module))


if __name__ == "__main__":
    main()
