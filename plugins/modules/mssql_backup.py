#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 ucops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mssql_backup
short_description: Back up a database of a SQL Server
version_added: 0.1.0
author:
  - ucops contributors (@ucops)
description:
  - Lets a SQL Server write a backup of one database, with checksums and without disturbing its own chain of backups,
    verifies it, fetches the file by SMB, removes it there, and adds a sealed, signed generation to a repository.
  - Several databases of one server are several generations, told apart by O(instance).
  - What the product demands and what was found is compared. When something is missing, cut short or suspiciously small,
    the generation is partial and the task fails, naming it.
  - Nothing in the clear touches the disk of the host that runs the module, and that host cannot open what it stored.
  - Run it on the backup host, with C(delegate_to).
requirements:
  - cryptography >= 41.0
  - zstandard >= 0.19
  - fastcdc >= 1.5
  - python-tds >= 1.15
  - pyspnego >= 0.10
  - smbprotocol >= 1.13
extends_documentation_fragment:
  - ucops.recovery.repository
  - ucops.recovery.repository.writer
  - ucops.recovery.unlock
  - ucops.recovery.source
  - ucops.recovery.mssql.connection
  - ucops.recovery.mssql
  - ucops.recovery.change
  - ucops.recovery.change.phase
  - ucops.recovery.backup
  - ucops.recovery.backup.counting
  - ucops.recovery.attributes
  - ucops.recovery.attributes.backing_up
  - ucops.recovery.attributes.action
  - ucops.recovery.attributes.group
seealso:
  - module: ucops.recovery.mssql_restore
  - module: ucops.recovery.generation_diff
"""

EXAMPLES = r"""
- name: Back up the database of chat and journal before the change
  ucops.recovery.mssql_backup:
    repository: /srv/recovery
    writer_key_file: /etc/ucops/writer.json
    source: "{{ inventory_hostname }}"
    host: "{{ ansible_host }}"
    mssql_authentication: ntlm
    username: LAB\backup
    password: "{{ vault_backup_password }}"
    ca_file: /etc/ucops/ca.pem
    phase: pre_change
    change_id: CHG0042
    reason: Update
    database: CHAT
    instance: CHAT
    run_id: "{{ run_id }}"
  delegate_to: backup1
  register: before
"""

RETURN = r"""
generation:
  description: The generation that was made, or would be made in check mode.
  type: dict
  returned: success and when the generation is partial
  contains:
    id:
      description: Its id, like V(pbx-berlin/kamailio/7). Null in check mode.
      type: str
      returned: always
    source:
      description: The name under which the host is kept.
      type: str
      returned: always
    product:
      description: The product.
      type: str
      returned: always
    instance:
      description: The instance, empty when there is only one.
      type: str
      returned: always
    release:
      description: The release of the product that was found on the host.
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
    licence_count:
      description:
        - How many licence keys the generation keeps. The keys themselves are only ever sealed. Null when it is reused.
      type: int
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
      description: The how-manieth generation of this change and phase it is. Null in check mode.
      type: int
      returned: always
    received_at:
      description: When it was received, UTC, by the clock of the host that runs the module. Null in check mode.
      type: str
      returned: always
    status:
      description:
        - V(complete) when everything that the product demands is in it whole.
        - V(partial) when something is not. The task fails then, and what could be gathered is kept.
      type: str
      returned: always
    content_changed:
      description:
        - Whether something differs from the generation before.
        - Null in check mode, when nothing differs in what could be compared without side effects.
      type: bool
      returned: always
    changed_items:
      description: The items that differ from the generation before.
      type: list
      elements: str
      returned: always
    missing:
      description: The items that are not whole in it, and companions that are not there, like V(companion mssql@CHAT).
      type: list
      elements: str
      returned: always
    problems:
      description: What is wrong with which path of which item.
      type: list
      elements: dict
      returned: always
      contains:
        item:
          description: The item.
          type: str
          returned: always
        path:
          description: The path on the host. Empty when the item as a whole is meant.
          type: str
          returned: always
        message:
          description: What is wrong.
          type: str
          returned: always
    bytes_read:
      description: Bytes that were read from the host.
      type: int
      returned: always
    bytes_stored:
      description: Bytes that the repository grew by.
      type: int
      returned: always
    duration:
      description: Seconds that it took.
      type: float
      returned: always
    head:
      description: The hash of the newest commit record. Kept elsewhere, it proves that nobody rolled anything back.
      type: str
      returned: always
    previous:
      description: The id of the generation before.
      type: str
      returned: always
reused:
  description:
    - Whether RV(generation) is one that was there already, as O(max_age) allows. The host was not reached then, and
      nothing of this run is in it.
  type: bool
  returned: success and when the generation is partial
checks:
  description: Whether the product itself accepts its configuration as it lies on the host.
  type: list
  elements: dict
  returned: success and when the generation is partial
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
changes:
  description: The difference to the generation before in the words of the product, with secrets as placeholders.
  type: list
  elements: dict
  returned: in diff mode, with something that opens the repository
open_restores:
  description: Restores of this source that began and never ended. The host may be in between until one ends.
  type: list
  elements: str
  returned: success and when the generation is partial
companions:
  description: What belongs to the generation and is not in it.
  type: dict
  returned: success and when the generation is partial
  contains:
    demanded:
      description: Generations of other products that the product demands of the same run, such as its database.
      type: list
      elements: dict
      returned: always
      contains:
        product:
          description: Its product.
          type: str
          returned: always
        source:
          description: Its source. Empty when any will do.
          type: str
          returned: always
        instance:
          description: Its instance. Empty when any will do.
          type: str
          returned: always
        why:
          description: What asks for it.
          type: str
          returned: always
        generation:
          description: The id of the complete generation of the same run. Null when there is none, and in check mode.
          type: str
          returned: always
        elsewhere:
          description: Why nobody looked for it, as O(companions_elsewhere) says.
          type: str
          returned: always
        missing:
          description: Whether it was looked for and is not there. The generation is partial then.
          type: bool
          returned: always
    declared:
      description: What O(companions) declares.
      type: list
      elements: dict
      returned: always
counters:
  description: How much of its work the host does now.
  type: dict
  returned: when nothing else was asked for
findings:
  description:
    - What an operator has to know. It does not fail the task.
    - A big difference in a scheduled backup is one, when no backup was made before the change that it comes from. Big
      is one of ten users and at least five, any server or replicator, or another release.
    - So are another release than that of the last complete generation, and a repository on the host itself.
  type: list
  elements: dict
  returned: success and when the generation is partial
  contains:
    grade:
      description: How much it matters.
      type: str
      returned: always
    rule:
      description: Why it is told, such as V(unannounced).
      type: str
      returned: always
    text:
      description: What it is, in one sentence.
      type: str
      returned: always
notes:
  description: What is not in the backup because it needs none, or because it has to be kept in another way.
  type: list
  elements: str
  returned: success and when the generation is partial
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ucops.recovery.plugins.module_utils._module.backup_module import back_up, backup_spec
from ansible_collections.ucops.recovery.plugins.module_utils._module.parts.mssql import MSSQL
from ansible_collections.ucops.recovery.plugins.module_utils._module.run import run


def main() -> None:
    module = AnsibleModule(supports_check_mode=True, **backup_spec(MSSQL).to_kwargs())
    run(module, lambda: back_up(module, MSSQL))


if __name__ == "__main__":
    main()
