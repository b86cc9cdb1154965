#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 ucops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: procall_server_restore
short_description: Put a generation of a ProCall UCServer back
version_added: 0.1.0
author:
  - ucops contributors (@ucops)
description:
  - Puts folders, registry keys and service definitions of a ProCall UCServer back as they were in a generation, in the
    order that the vendor gives, and starts its services.
  - The identical version has to be installed. M(ucops.recovery.procall_server_restore_plan) gives the whole way, with
    the steps that people do.
  - Plans first, and refuses before anything is touched, which is when the host or the release is another one, when
    there is no room, when the generation is not authentic, or when its content is damaged.
  - Makes a generation of the host as it is, stops what runs, puts everything back with owner, rights and times, starts,
    and gathers again to compare. When any of that fails, the host is put back to what it was.
  - What lies on the host below the restored places and is not in the generation is removed, unless nobody looked at it
    when the generation was made, because an exclude or a path that was not named kept it out; a warning names it.
requirements:
  - cryptography >= 41.0
  - zstandard >= 0.19
  - fastcdc >= 1.5
  - pywinrm >= 0.5
  - smbprotocol >= 1.13
extends_documentation_fragment:
  - ucops.recovery.repository
  - ucops.recovery.repository.writer
  - ucops.recovery.unlock
  - ucops.recovery.trust
  - ucops.recovery.source
  - ucops.recovery.winrm
  - ucops.recovery.smb
  - ucops.recovery.licences
  - ucops.recovery.procall_server
  - ucops.recovery.change
  - ucops.recovery.restore
  - ucops.recovery.attributes
  - ucops.recovery.attributes.restoring
  - ucops.recovery.attributes.action
  - ucops.recovery.attributes.group
seealso:
  - module: ucops.recovery.procall_server_backup
  - module: ucops.recovery.procall_server_restore_plan
  - module: ucops.recovery.generation_extract
"""

EXAMPLES = r"""
- name: Show what going back to before the change would do
  ucops.recovery.procall_server_restore: &restore
    repository: /srv/recovery
    writer_key_file: /etc/ucops/writer.json
    source: "{{ inventory_hostname }}"
    host: "{{ ansible_host }}"
    username: LAB\backup
    password: "{{ vault_backup_password }}"
    ca_file: /etc/ucops/ca.pem
    domain_master_secret: "{{ vault_domain_master_secret }}"
    allowed_signers: files/allowed_signers
    generation: pre_change
    change_id: CHG0042
    service_passwords:
      LAB\svc-ucserver: "{{ vault_service_password }}"
  delegate_to: backup1
  check_mode: true
  diff: true

- name: Put the UCServer back as it was before the change
  ucops.recovery.procall_server_restore: *restore
  delegate_to: backup1
"""

RETURN = r"""
generation:
  description: The id of the generation that was restored.
  type: str
  returned: success
plan:
  description: What was done, or would be done in check mode.
  type: dict
  returned: success, unless O(step) is V(stop) or V(start)
  contains:
    generation:
      description: The id of the generation.
      type: str
      returned: always
    restore_order:
      description: The items that are put back, in order.
      type: list
      elements: str
      returned: always
    stop_and_start:
      description: The services that are stopped before, and started after in the reverse order.
      type: list
      elements: str
      returned: always
    changes:
      description: What is written and removed, by item. At most 200 of each item.
      type: dict
      returned: always
    change_count:
      description: How many paths are written or removed.
      type: int
      returned: always
    not_compared:
      description: Items that check mode cannot compare, since that would start a dump on the host.
      type: list
      elements: str
      returned: always
    left_alone:
      description: Items of the data class C(logs) that are on the host and that nobody named. They stay as they are.
      type: list
      elements: str
      returned: always
    companions:
      description:
        - What belongs to the generation and is not in it, C(demanded) and C(declared) as the backup returned them.
        - C(generation) names the ones of the same run that are there now. They are restored by their own modules.
      type: dict
      returned: always
    expected:
      description: The id of the generation that the host was to be like, empty when O(expected) was not given.
      type: str
      returned: always
    losses:
      description:
        - What came after RV(plan.expected) and would be lost, at most 200. C(item), C(data_class), C(path), and what
          came of it since as C(action), V(added), V(changed) or V(removed).
        - V(not_compared) means the item as a whole, of which nobody can tell.
      type: list
      elements: dict
      returned: always
    loss_count:
      description: How many there are.
      type: int
      returned: always
    lost_changes:
      description: The same in the words of the product, where it has any, masked. The later value is what gets lost.
      type: list
      elements: dict
      returned: always
    open_restores:
      description: Restores of this source that began and never ended, and that this one takes the place of.
      type: list
      elements: str
      returned: always
    warnings:
      description: What to know before.
      type: list
      elements: str
      returned: always
stopped:
  description: The services that were stopped, or would be in check mode.
  type: list
  elements: str
  returned: when O(step=stop)
started:
  description: The services that were started again, or would be in check mode.
  type: list
  elements: str
  returned: when O(step=start)
restored_items:
  description: The items that were put back.
  type: list
  elements: str
  returned: when something was restored
pre_restore:
  description: The id of the generation that was made of the host right before.
  type: str
  returned: when something was restored
head:
  description: The hash of that generation's commit record.
  type: str
  returned: when something was restored
checks:
  description: The proofs that the product works, again or still.
  type: list
  elements: dict
  returned: when something was restored, or nothing was to be done
  contains:
    name:
      description: What was looked at.
      type: str
      returned: always
    ok:
      description: The verdict. Null when it could not be looked at.
      type: bool
      returned: always
    detail:
      description: Why.
      type: str
      returned: always
    kind:
      description: V(validator) for what the product says of its configuration, V(health) for what it does.
      type: str
      returned: always
compared:
  description: How many entries of each item were found on the host again and compared with the generation.
  type: dict
  returned: when something was restored
journal:
  description: The restore's identifier in the journal.
  type: str
  returned: when something was restored
target:
  description: What the target of a drill showed of itself.
  type: dict
  returned: with O(drill)
  contains:
    identity:
      description: The host in a few words.
      type: str
      returned: always
    host_key:
      description: Kind and fingerprint of its SSH host key, empty where it has none.
      type: str
      returned: always
    isolation:
      description: What came of each attempt to reach what it must not, one line each.
      type: list
      elements: str
      returned: always
    services:
      description: The services of the product, which may have to be stopped after a drill.
      type: list
      elements: str
      returned: always
details:
  description:
    - When a restore failed, its C(journal) identifier and, when the host was put back, C(rolled_back_to).
    - When a check failed, all C(checks) so far.
  type: dict
  returned: failure
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ucops.recovery.plugins.module_utils._module.parts.procall_server import PROCALL_SERVER
from ansible_collections.ucops.recovery.plugins.module_utils._module.restore_module import restore, restore_spec
from ansible_collections.ucops.recovery.plugins.module_utils._module.run import run


def main() -> None:
    module = AnsibleModule(supports_check_mode=True, **restore_spec(PROCALL_SERVER).to_kwargs())
    run(module, lambda: restore(module, PROCALL_SERVER))


if __name__ == "__main__":
    main()
