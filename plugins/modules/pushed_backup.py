#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 ucops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pushed_backup
short_description: Take in a backup that a product made and pushed
version_added: 0.1.0
author:
  - ucops contributors (@ucops)
description:
  - Waits in a landing zone for a product's own backup, and adds it to a repository as a sealed, signed generation.
  - A file is taken when several looks found it unchanged, nothing touched it for a while, and no process has it open
    for writing. It is out of its sender's reach before its first byte is read, and is removed only after the commit.
    Killed in between, the next run goes on.
  - Names and times that the sender gives are never believed. Receipt counts, by the clock of the backup host. The same
    contents are one generation, whatever they are called; the same name with other contents is another one.
  - What is empty, all zeros, cut short, damaged or of an unusual size makes the generation partial and the task fail.
    So does a backup that is overdue, with the last good one named.
  - It also takes a file that a person downloaded, with O(path).
  - Run it on the backup host, with C(delegate_to), as root. The whole of it is also there for any other user when the
    landing zone belongs to that user.
requirements:
  - cryptography >= 41.0
  - zstandard >= 0.19
  - fastcdc >= 1.5
extends_documentation_fragment:
  - ucops.recovery.repository
  - ucops.recovery.repository.writer
  - ucops.recovery.source
  - ucops.recovery.landing
  - ucops.recovery.landing.arrival
  - ucops.recovery.pushed
  - ucops.recovery.change
  - ucops.recovery.change.phase
  - ucops.recovery.backup
  - ucops.recovery.attributes
  - ucops.recovery.attributes.backing_up
  - ucops.recovery.attributes.action
  - ucops.recovery.attributes.group
attributes:
  check_mode:
    details:
      - Looks and reads as always, but takes, writes and removes nothing. What an earlier run took and did not finish is
        left alone.
  diff_mode:
    support: none
    details:
      - Nobody can look into most of what products push.
  idempotent:
    details:
      - Contents that are in the repository are not added again.
options:
  path:
    description:
      - A file on the host that runs this module, instead of a landing zone. It is judged in the same way, and stays
        where it is unless O(after=remove).
    type: path
seealso:
  - module: ucops.recovery.pushed_info
  - module: ucops.recovery.generation_extract
"""

EXAMPLES = r"""
- name: Take in what the telephone system pushed tonight
  ucops.recovery.pushed_backup:
    repository: /srv/recovery
    writer_key_file: /etc/ucops/writer.json
    source: "{{ inventory_hostname }}"
    landing: /srv/landing
    patterns:
      - "*.sar"
    expected_every: 24h
    grace: 2h
    phase: scheduled
  delegate_to: backup1

- name: Take in a complete set of Cisco's Disaster Recovery System
  ucops.recovery.pushed_backup:
    repository: /srv/recovery
    writer_key_file: /etc/ucops/writer.json
    source: "{{ inventory_hostname }}"
    landing: /srv/landing
    group_by: cucm
    expected_every: 1d
    release: 14.0.1.13900-155
  delegate_to: backup1

- name: Take in the phone book that somebody exported, and do not leave it behind
  ucops.recovery.pushed_backup:
    repository: /srv/recovery
    writer_key_file: /etc/ucops/writer.json
    source: phone-4711
    path: /home/anna/phonebook.xml
    after: remove
    data_class: user_data
    containers:
      - xml
    ends_with: </phonebook>
  delegate_to: backup1
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
generations:
  description: Every backup that was taken in this run, in the order of receipt, each like RV(generation), which is the
    last of them. Several may have waited. When none came, it is empty and RV(generation) is not returned.
  type: list
  elements: dict
  returned: success and when the generation is partial
files:
  description: Every file that was taken in this run.
  type: list
  elements: dict
  returned: success and when the generation is partial
  contains:
    name:
      description: Its path below C(incoming). What is no plain text in it is percent-encoded.
      type: str
      returned: always
    size:
      description: Its bytes.
      type: int
      returned: always
    received_at:
      description: Since when it is as it is, by the clock of the backup host, in UTC.
      type: str
      returned: always
    container:
      description: The kind of container, by its first bytes. V(unknown) when they say nothing.
      type: str
      returned: always
    verified:
      description: V(tested) when the container was read to its end and fits its own checks. V(opaque) when nobody can
        look into it, and nothing is claimed of its content.
      type: str
      returned: always
    level:
      description: How far it is proved, V(stable) or V(plausible).
      type: str
      returned: always
    verdict:
      description:
        - V(ok), or what is wrong, which is V(empty), V(all_zero), V(too_small), V(other_container), V(truncated),
          V(damaged), V(changed), V(unreadable), V(component_failed), V(shrunken) or V(grown).
      type: str
      returned: always
    reason:
      description: What is wrong, in words.
      type: str
      returned: always
    generation:
      description: The id of the generation that holds it. Null in check mode.
      type: str
      returned: always
    repeated:
      description: Whether that generation held the same contents before, so that none was made.
      type: bool
      returned: always
level:
  description:
    - The lowest level that a file reached. V(received) is there and may still grow, V(stable) is whole as far as can be
      told from outside, V(plausible) was read to its end and nothing is wrong with it.
    - V(restorable_proved) is for what a drill restored. A new backup never is; one that repeats the contents of a
      generation that a drill restored is.
    - Null when nothing came.
  type: str
  returned: success and when the generation is partial
verdict:
  description:
    - V(reused) when O(max_age) let an earlier generation be returned.
    - V(ok), V(repeated) when only contents came that are in a generation already, V(waiting) when something came that
      is not stable yet, V(nothing_came), V(overdue), or what is wrong with a file.
  type: str
  returned: success and when the generation is partial
waiting:
  description: What lies in the landing zone and is not stable yet.
  type: list
  elements: dict
  returned: success and when the generation is partial
  contains:
    names:
      description: The files that belong together.
      type: list
      elements: str
      returned: always
    waits_for:
      description: Why they are not taken yet.
      type: str
      returned: always
refused:
  description: What lies in the landing zone and is never taken, such as symlinks and devices.
  type: list
  elements: dict
  returned: success and when the generation is partial
  contains:
    name:
      description: Its path below C(incoming).
      type: str
      returned: always
    reason:
      description: Why.
      type: str
      returned: always
overdue:
  description: Whether the last good generation is older than O(expected_every) and O(grace).
  type: bool
  returned: success and when the generation is partial
last_good:
  description: The newest complete generation. Null when there is none.
  type: dict
  returned: success and when the generation is partial
  contains:
    id:
      description: Its id.
      type: str
      returned: always
    received_at:
      description: When it arrived, by the clock of the backup host.
      type: str
      returned: always
    age:
      description: Seconds since then.
      type: int
      returned: always
    release:
      description: The release of the product.
      type: str
      returned: always
    level:
      description: V(plausible), or V(restorable_proved) when a drill restored it.
      type: str
      returned: always
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ucops.recovery.plugins.module_utils._module.pushed_backup import pushed_spec, receive_backup
from ansible_collections.ucops.recovery.plugins.module_utils._module.run import run


def main() -> None:
    module = AnsibleModule(supports_check_mode=True, **pushed_spec().to_kwargs())
    run(module, lambda: receive_backup(module))


if __name__ == "__main__":
    main()
