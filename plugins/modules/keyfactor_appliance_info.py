#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 ucops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: keyfactor_appliance_info
short_description: Show the backup status of a Keyfactor Software Appliance
version_added: 0.1.0
author:
  - ucops contributors (@ucops)
description:
  - Shows what the page Backup of a Software Appliance would, as far as it can be told from what arrives on the backup
    host, with status, last and next backup, why none can be created, and permissions and space of the storage.
  - Says whether the appliance may be restarted or shut down now. A playbook asks it before it does.
  - Judges the declared configuration, and holds what a person read in Webconf against what arrived.
  - With O(appliance_secret) and no declared fingerprint it gives the fingerprint that is to be declared.
  - A file C(restart.lock) in the folder of the source within the landing zone, next to C(incoming), is a maintenance
    lock. What stands in it is the reason that is given.
  - It changes nothing, and takes nothing.
requirements:
  - cryptography >= 41.0
extends_documentation_fragment:
  - ucops.recovery.repository
  - ucops.recovery.source
  - ucops.recovery.landing
  - ucops.recovery.keyfactor_appliance
  - ucops.recovery.attributes
  - ucops.recovery.attributes.info
  - ucops.recovery.attributes.action
  - ucops.recovery.attributes.group
options:
  quiet_period:
    description:
      - A file is stable when nothing touched it for this many seconds, by the clock of the host that runs this module.
        NFS clients write late.
    type: int
    default: 120
  ignore_writers:
    description:
      - A file that a process has open for writing is not stable. Names of programs for which that does not count, as
        the kernel knows them.
      - The NFS server C(ganesha.nfsd) keeps files open long after its clients have closed them. The quiet period
        decides then.
    type: list
    elements: str
    default:
      - ganesha.nfsd
  after:
    description:
      - What becomes of files once they are in the repository.
      - V(keep) puts them back, read-only, so that the storage browser of the appliance shows them; O(keep) says how
        many.
    type: str
    choices:
      - remove
      - keep
    default: keep
  appliance_secret:
    description:
      - The appliance's own Domain Master Secret, to be compared with O(appliance_secret_fingerprint). It stays on the
        controller; only its fingerprint goes on, and nothing keeps it.
      - An appliance takes at least 8 characters, so a shorter one is refused.
    type: str
  webconf_status:
    description:
      - What a person read in the table Backup Status of Webconf.
    type: dict
    suboptions:
      current:
        description:
          - Current Backup Status, like V(Not Running) or V(In Progress).
        type: str
      last_successful:
        description:
          - Last Successful Backup, as a time or like V(2 hours ago).
        type: str
      next_scheduled:
        description:
          - Next Scheduled Backup Execution, as a time, like V(in 3 hours), or V(Schedule Disabled).
        type: str
      problem:
        description:
          - What it says when a backup cannot be created.
        type: str
      read_at:
        description:
          - When it was read, like V(2026-01-31T22:00:00Z). Relative times count from then. That no backup runs is
            believed for 15 minutes.
        type: str
      read_by:
        description:
          - Who read it.
        type: str
seealso:
  - module: ucops.recovery.keyfactor_appliance_backup
  - module: ucops.recovery.keyfactor_appliance_restore_plan
"""

EXAMPLES = r"""
- name: Look at the backups of the appliance
  ucops.recovery.keyfactor_appliance_info:
    repository: /srv/recovery
    source: ca-appliance1
    landing: /srv/landing
    schedule: scheduled
    expected_every: 24h
    key_storage: soft
    database: internal
    polls: 2
    poll_interval: 5
  delegate_to: backup1
  register: appliance

- name: Do not restart while a backup runs or is about to
  ansible.builtin.assert:
    that: appliance.restart.allowed
    fail_msg: "{{ appliance.restart.reasons | join(' ') }}"

- name: Get the fingerprint of its Domain Master Secret, once
  ucops.recovery.keyfactor_appliance_info:
    repository: /srv/recovery
    source: ca-appliance1
    landing: /srv/landing
    key_storage: soft
    database: internal
    appliance_secret: "{{ appliance_secret_from_escrow }}"
  delegate_to: backup1
"""

RETURN = r"""
landing:
  description: What lies in the landing zone, as M(ucops.recovery.pushed_info) returns it.
  type: dict
  returned: success
overdue:
  description: Whether the last good generation is older than O(expected_every) and O(grace). Null when nothing is
    expected.
  type: bool
  returned: success
last_good:
  description: The newest complete generation. Null when there is none.
  type: dict
  returned: success
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
status:
  description: The table Backup Status of the appliance, as far as it can be told from here.
  type: dict
  returned: success
  contains:
    current:
      description: V(In Progress) when a backup is arriving or O(webconf_status) says so, V(Not Running) when that says
        so and is fresh, otherwise V(Unknown), because only Webconf shows whether one is being made.
      type: str
      returned: always
    current_seen:
      description: What that is taken from.
      type: str
      returned: always
    last_successful:
      description: When the last good backup was received, by the clock of the backup host. Empty when there is none.
      type: str
      returned: always
    last_successful_relative:
      description: The same as Webconf may show it, like V(2 days ago).
      type: str
      returned: always
    next_scheduled:
      description: When the next one is due, or V(Schedule Disabled).
      type: str
      returned: always
    next_scheduled_relative:
      description: The same like V(in 3 hours).
      type: str
      returned: always
    cannot_be_created:
      description: Why no backup can be created, as far as that is known.
      type: list
      elements: str
      returned: always
    differences:
      description: Where what a person read in Webconf is not what is declared, or not what arrived.
      type: list
      elements: str
      returned: always
storage:
  description: The file system of the landing zone, as the storage browser of the appliance shows it. Numbers are bytes.
  type: dict
  returned: success
  contains:
    permissions:
      description: What the account that the export maps to may do there, like V(read, write).
      type: str
      returned: always
    used:
      description: Used space.
      type: int
      returned: always
    remaining:
      description: Remaining space.
      type: int
      returned: always
    total:
      description: Both together.
      type: int
      returned: always
    used_percent:
      description: How full it is, rounded up.
      type: int
      returned: always
    room_for:
      description: How many backups of the last one's size still fit. Null when there is none yet.
      type: int
      returned: always
restart:
  description: Whether the appliance may be restarted or shut down. Never while a backup runs.
  type: dict
  returned: success
  contains:
    allowed:
      description: The verdict, for a condition in a playbook.
      type: bool
      returned: always
    reasons:
      description: Why not.
      type: list
      elements: str
      returned: always
advice:
  description: What in the declared configuration will not do, or could be better.
  type: list
  elements: dict
  returned: success
  contains:
    grade:
      description: V(high) when a backup or a restore would fail, else V(normal).
      type: str
      returned: always
    field:
      description: The option that it is about.
      type: str
      returned: always
    text:
      description: What it is.
      type: str
      returned: always
appliance_secret:
  description: What is known of the appliance's own Domain Master Secret, which is held nowhere.
  type: dict
  returned: success
  contains:
    known:
      description: Whether a fingerprint is declared.
      type: bool
      returned: always
    compared:
      description: Whether O(appliance_secret) was compared with it.
      type: bool
      returned: always
    differs:
      description: Whether it is another one.
      type: bool
      returned: always
    fingerprint:
      description: The fingerprint to declare as O(appliance_secret_fingerprint). Keep it like the hash of a password.
      type: str
      returned: when O(appliance_secret) is given and no fingerprint is declared
escrow:
  description: Where copies of that secret are attested.
  type: list
  elements: dict
  returned: success
oauth_attested:
  description: By whom and when it was attested that one logs in by OAuth and that the OTP user is removed.
  type: dict
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ucops.recovery.plugins.module_utils._module.keyfactor_appliance import info_spec, look
from ansible_collections.ucops.recovery.plugins.module_utils._module.run import run


def main() -> None:
    module = AnsibleModule(supports_check_mode=True, **info_spec().to_kwargs())
    run(module, lambda: look(module))


if __name__ == "__main__":
    main()
