#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 ucops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: keyfactor_appliance_restore_plan
short_description: Plan how a Keyfactor Software Appliance is brought back
version_added: 0.1.0
author:
  - ucops contributors (@ucops)
description:
  - Gives an ordered checklist for each way back, which are the same machine, a fresh one, another node of the cluster,
    and a drill, with the values of the appliance that the generation was made of.
  - It begins with the appliance's Domain Master Secret from escrow, compared by its fingerprint, with the HSM and the
    external database, and ends in health checks and evidence.
  - Each statement names its source. What the vendor says only of the sibling product Hardware Appliance is marked as a
    hint. Where Webconf offers the restore is not public.
  - Steps that people do are marked as theirs. Steps that a module of this collection does name it with its options.
  - It opens the generation, reads what it says of its host, and touches no host. No secret is in the plan.
requirements:
  - cryptography >= 41.0
  - zstandard >= 0.19
extends_documentation_fragment:
  - ucops.recovery.repository
  - ucops.recovery.unlock
  - ucops.recovery.trust
  - ucops.recovery.attributes
  - ucops.recovery.attributes.info
  - ucops.recovery.attributes.action
  - ucops.recovery.attributes.group
options:
  generation:
    description:
      - Id of the generation, like V(ca-appliance1/keyfactor_appliance/7).
      - V(ca-appliance1/keyfactor_appliance/latest) is the newest complete one that no restore put aside.
    type: str
    required: true
seealso:
  - module: ucops.recovery.keyfactor_appliance_backup
"""

EXAMPLES = r"""
- name: Plan how to bring back the appliance
  ucops.recovery.keyfactor_appliance_restore_plan:
    repository: /srv/recovery
    generation: ca-appliance1/keyfactor_appliance/latest
    allowed_signers: files/allowed_signers
    domain_master_secret: "{{ vault_domain_master_secret }}"
  delegate_to: backup1
  register: plan

- name: Keep it where it can be read when nothing else works
  ansible.builtin.copy:
    content: "{{ plan.text }}"
    dest: "kept-outside/ca-appliance1.md"
    mode: "0600"
  delegate_to: localhost
"""

RETURN = r"""
title:
  description: What is brought back, and on which host.
  type: str
  returned: success
generation:
  description: The id of the generation that it is brought back from.
  type: str
  returned: success
known:
  description: What the generation tells of the host, such as version, folders and services, by name.
  type: dict
  returned: success
branches:
  description: The ways to a working system, in the order in which they are to be considered.
  type: list
  elements: dict
  returned: success
  contains:
    title:
      description: What is done.
      type: str
      returned: always
    when:
      description: What has to be so that it is the right way.
      type: str
      returned: always
    steps:
      description: What to do, in order.
      type: list
      elements: dict
      returned: always
      contains:
        number:
          description: Counts from 1 in each branch.
          type: int
          returned: always
        who:
          description: Who does it, which is V(you) or the full name of a module.
          type: str
          returned: always
        text:
          description: What is done.
          type: str
          returned: always
        module:
          description: The full name of the module to call. Empty when a person does it.
          type: str
          returned: always
        options:
          description: What to call the module with, beside how it reaches host and repository.
          type: dict
          returned: always
remarks:
  description: What has to be known and is no step.
  type: list
  elements: str
  returned: success
text:
  description: All of it in Markdown, to be printed and kept beside the host.
  type: str
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ucops.recovery.plugins.module_utils._module.restore_plan import SPEC, plan_restore
from ansible_collections.ucops.recovery.plugins.module_utils._module.run import run


def main() -> None:
    module = AnsibleModule(supports_check_mode=True, **SPEC.to_kwargs())
    run(module, lambda: plan_restore(module, "keyfactor_appliance"))


if __name__ == "__main__":
    main()
