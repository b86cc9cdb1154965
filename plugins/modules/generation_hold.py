#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 ucops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: generation_hold
short_description: Keep a generation for a change or for a legal reason
version_added: 0.1.0
author:
  - ucops contributors (@ucops)
description:
  - Places a hold on a generation, or releases it. What is held is never pruned, whatever the rules and ages of
    M(ucops.recovery.repository_prune) say.
  - Placing and releasing are signed records in the repository that tell who did it, when and why. They stay.
  - A hold brings back a generation that was pruned, as long as everything that it needs is still there. That is so for
    the time of O(ucops.recovery.repository_prune#module:grace).
requirements:
  - cryptography >= 41.0
extends_documentation_fragment:
  - ucops.recovery.repository
  - ucops.recovery.repository.writer
  - ucops.recovery.attributes
  - ucops.recovery.attributes.action
  - ucops.recovery.attributes.group
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  generation:
    description:
      - Id of the generation, or a source and product with V(latest) or V(newest) behind it.
      - Required unless the holds of a change are released. Without it all holds of O(change_id) are.
    type: str
  kind:
    description:
      - What it is held for.
      - While a generation is held for a V(change), the change counts as open, and the last complete generation of
        either phase is kept. When the last hold of the change is released, it counts as closed.
    type: str
    choices:
      - change
      - legal
    required: true
  state:
    description:
      - Whether it is to be held.
    type: str
    choices:
      - present
      - absent
    default: present
  change_id:
    description:
      - The change. Required with O(kind=change).
    type: str
  reason:
    description:
      - Why it is held, or released. It is readable for anybody who can read the repository.
      - Required with O(kind=legal), where it tells one hold from another.
    type: str
  until:
    description:
      - The hold ends by itself at this time, in UTC like V(2026-01-31T12:00:00Z). Without it the hold has no end.
    type: str
  actor:
    description:
      - Who does it, for the record. If not given, the action plugin takes the user of AWX or of the controller.
    type: str
  job:
    description:
      - The job that does it, for the record. If not given, the action plugin takes the one of AWX.
    type: str
seealso:
  - module: ucops.recovery.repository_prune
  - module: ucops.recovery.generation_info
"""

EXAMPLES = r"""
- name: Keep what was saved before the change until the change is closed
  ucops.recovery.generation_hold:
    repository: /srv/recovery
    writer_key_file: /etc/ucops/writer.json
    generation: pbx-berlin/kamailio/7
    kind: change
    change_id: CHG0042
  delegate_to: backup1

- name: The change is closed
  ucops.recovery.generation_hold:
    repository: /srv/recovery
    writer_key_file: /etc/ucops/writer.json
    kind: change
    change_id: CHG0042
    state: absent
  delegate_to: backup1

- name: Keep evidence
  ucops.recovery.generation_hold:
    repository: /srv/recovery
    writer_key_file: /etc/ucops/writer.json
    generation: pbx-berlin/kamailio/latest
    kind: legal
    reason: toll fraud of May, file 17/26
    until: "2027-12-31T00:00:00Z"
  delegate_to: backup1
"""

RETURN = r"""
holds:
  description: The holds that are there, or that were released. In check mode a new hold is not among them.
  type: list
  elements: dict
  returned: success
  contains:
    generation:
      description: Id of the generation.
      type: str
      returned: always
    id:
      description: Name of the hold.
      type: str
      returned: always
    kind:
      description: V(change) or V(legal).
      type: str
      returned: always
    change_id:
      description: The change.
      type: str
      returned: always
    reason:
      description: Why it is held.
      type: str
      returned: always
    actor:
      description: Who placed it.
      type: str
      returned: always
    signer:
      description: Who signed it.
      type: str
      returned: always
    at:
      description: When it was placed.
      type: str
      returned: always
    until:
      description: When it ends by itself, empty when it does not.
      type: str
      returned: always
    released_at:
      description: When it was released, empty when it was not before this run.
      type: str
      returned: always
    active:
      description: Whether it was in force when this run began.
      type: bool
      returned: always
    problem:
      description: What is wrong with its record, which holds nevertheless.
      type: str
      returned: always
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ucops.recovery.plugins.module_utils._module.generation_hold import SPEC, hold_generation
from ansible_collections.ucops.recovery.plugins.module_utils._module.run import run


def main() -> None:
    module = AnsibleModule(supports_check_mode=True, **SPEC.to_kwargs())
    run(module, lambda: hold_generation(module))


if __name__ == "__main__":
    main()
