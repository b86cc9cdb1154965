#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 ucops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: starface_restore
short_description: Put a generation of a STARFACE appliance back
version_added: 0.1.0
author:
  - ucops contributors (@ucops)
description:
  - Gives a STARFACE 10 a backup file to restore from, by REST, waits until it is back, and demands that its own job
    says that it succeeded. Nobody can ask an appliance for more, so only a drill proves that a file restores.
  - It replaces everything on the appliance, ends all calls and restarts it. So O(confirm_host) has to name the
    appliance once more, and it is refused while there are calls, where those can be asked for, and from another major
    version.
  - Makes a generation of the appliance as it is first. When its job says that the restore failed, that one is put back.
    When nobody can tell what became of it, nothing is put back on a guess and the task fails.
  - Where it cannot be done by REST the task fails, and its result holds the steps to do it by hand.
requirements:
  - cryptography >= 41.0
  - zstandard >= 0.19
  - fastcdc >= 1.5
  - requests >= 2.28
extends_documentation_fragment:
  - ucops.recovery.repository
  - ucops.recovery.repository.writer
  - ucops.recovery.unlock
  - ucops.recovery.trust
  - ucops.recovery.source
  - ucops.recovery.https
  - ucops.recovery.landing
  - ucops.recovery.starface.connection
  - ucops.recovery.starface
  - ucops.recovery.change
  - ucops.recovery.restore
  - ucops.recovery.attributes
  - ucops.recovery.attributes.restoring
  - ucops.recovery.attributes.action
  - ucops.recovery.attributes.group
attributes:
  idempotent:
    support: none
    details:
      - Nobody can ask an appliance whether it is as a file says, so each restore is done.
options:
  method:
    description:
      - V(rest) restores. V(procedure) touches nothing and returns the steps to do it by hand.
    type: str
    choices:
      - rest
      - procedure
    default: rest
  confirm_host:
    description:
      - The appliance once more, exactly as O(host) has it, or O(source) where O(host) is not given.
    type: str
  ignore_ip:
    description:
      - The appliance keeps the address that it has now, as "IP-Adresse ignorieren" does in its web interface. It has to
        be on when the generation is of another appliance.
    type: bool
    default: false
  ignore_ip_part:
    description:
      - How the REST interface calls that. It is not published, so without it O(ignore_ip) is done by hand.
    type: str
  file_part:
    description:
      - How the REST interface calls the file in the form.
    type: str
    default: file
  allow_active_calls:
    description:
      - End the calls that there are.
    type: bool
    default: false
seealso:
  - module: ucops.recovery.starface_backup
  - module: ucops.recovery.generation_extract
"""

EXAMPLES = r"""
- name: Show what going back to before the change would do
  ucops.recovery.starface_restore: &restore
    repository: /srv/recovery
    writer_key_file: /etc/ucops/writer.json
    source: "{{ inventory_hostname }}"
    host: pbx.example.org
    confirm_host: pbx.example.org
    username: "0099"
    password: "{{ vault_starface_password }}"
    client_secret: "{{ vault_starface_client_secret }}"
    ca_file: /etc/ucops/ca.pem
    domain_master_secret: "{{ vault_domain_master_secret }}"
    allowed_signers: files/allowed_signers
    generation: pre_change
    change_id: CHG0042
  delegate_to: backup1
  check_mode: true

- name: Put the appliance back as it was before the change
  ucops.recovery.starface_restore: *restore
  delegate_to: backup1

- name: Get the steps for an appliance that restores nothing by REST
  ucops.recovery.starface_restore:
    repository: /srv/recovery
    writer_key_file: /etc/ucops/writer.json
    source: "{{ inventory_hostname }}"
    method: procedure
    ignore_ip: true
    domain_master_secret: "{{ vault_domain_master_secret }}"
    allowed_signers: files/allowed_signers
  delegate_to: backup1
  register: procedure
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
restored:
  description: Whether the appliance was restored. False in check mode and for V(procedure).
  type: bool
  returned: always
steps:
  description: What to do by hand, in order.
  type: list
  elements: dict
  returned: with V(procedure), and when it cannot be done by REST
  contains:
    number:
      description: Counts from 1.
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
text:
  description: The steps in Markdown.
  type: str
  returned: with V(procedure), and when it cannot be done by REST
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ucops.recovery.plugins.module_utils._module.run import run
from ansible_collections.ucops.recovery.plugins.module_utils._module.starface_restore import (
    restore_starface,
    starface_restore_spec,
)


def main() -> None:
    module = AnsibleModule(supports_check_mode=True, **starface_restore_spec().to_kwargs())
    run(module, lambda: restore_starface(module))


if __name__ == "__main__":
    main()
