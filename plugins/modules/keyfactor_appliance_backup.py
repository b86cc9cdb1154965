#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 ucops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: keyfactor_appliance_backup
short_description: Take in the backup that a Keyfactor Software Appliance made
version_added: 0.1.0
author:
  - ucops contributors (@ucops)
description:
  - A Software Appliance with EJBCA or SignServer makes its own backup, by hand or by its schedule, and stores it on an
    NFS export. This waits for it in the landing zone, which is that export, and adds it to a repository as a sealed,
    signed generation, together with the declared configuration of the page Backup.
  - What the appliance's backup does not hold, which is the HSM and an external database, is demanded as companions of
    the same age. A missing one makes the generation partial and the task fail, naming it.
  - The backup is encrypted with the appliance's own Domain Master Secret, which can be set only once. It is never held
    here, only its fingerprint. Another fingerprint than in the last complete generation makes the generation partial.
  - What is empty, all zeros or of an unusual size makes the generation partial and the task fail. So does a backup that
    is overdue, with the last good one named. Nobody can look into the file, so nothing is claimed of its content.
  - Run it on the backup host, with C(delegate_to), as root.
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
  - ucops.recovery.keyfactor_appliance
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
      - Nobody can look into what the appliance stores.
  idempotent:
    details:
      - Contents that are in the repository are not added again.
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
  - module: ucops.recovery.keyfactor_appliance_info
  - module: ucops.recovery.keyfactor_appliance_restore_plan
  - module: ucops.recovery.ejbca_configdump_backup
"""

EXAMPLES = r"""
- name: Take in what the HSM pushed, in the same run
  ucops.recovery.pushed_backup:
    repository: /srv/recovery
    writer_key_file: /etc/ucops/writer.json
    source: hsm1
    landing: /srv/landing
    accept_repeated: true
    run_id: "{{ run }}"
  delegate_to: backup1

- name: Take in what the appliance stored tonight
  ucops.recovery.keyfactor_appliance_backup:
    repository: /srv/recovery
    writer_key_file: /etc/ucops/writer.json
    source: ca-appliance1
    landing: /srv/landing
    filename_prefix: ca1-
    schedule: scheduled
    expected_every: 24h
    grace: 2h
    storage:
      type: nfs
      nfs_version: "4.2"
      nfs_url: backup1.example.com
      path: /ca-appliance1
    key_storage: hsm
    hsm_backup:
      source: hsm1
    database: internal
    release: 3.4.1
    appliance_size: 4 CPU, 16 GB RAM, 500 GB disk
    oauth_attested:
      by: anna
      at: "2026-01-15"
    appliance_secret_fingerprint: "{{ vault_ca_appliance1_fingerprint }}"
    escrow:
      - where: safe in Berlin, envelope 12
        by: anna
        at: "2026-01-15"
      - where: safe in Hamburg, envelope 4
        by: bernd
        at: "2026-01-16"
    phase: scheduled
    run_id: "{{ run }}"
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
  description: Every backup that was taken in this run, in the order of receipt, each like RV(generation). Several may
    have waited.
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
status:
  description: The table Backup Status of the appliance, as far as it can be told from here.
  type: dict
  returned: success and when the generation is partial
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
  returned: success and when the generation is partial
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
  returned: success and when the generation is partial
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
  returned: success and when the generation is partial
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
  returned: success and when the generation is partial
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
escrow:
  description: Where copies of that secret are attested.
  type: list
  elements: dict
  returned: success and when the generation is partial
oauth_attested:
  description: By whom and when it was attested that one logs in by OAuth and that the OTP user is removed.
  type: dict
  returned: success and when the generation is partial
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ucops.recovery.plugins.module_utils._module.keyfactor_appliance import backup_spec, take_in
from ansible_collections.ucops.recovery.plugins.module_utils._module.run import run


def main() -> None:
    module = AnsibleModule(supports_check_mode=True, **backup_spec().to_kwargs())
    run(module, lambda: take_in(module))


if __name__ == "__main__":
    main()
