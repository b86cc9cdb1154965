#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 ucops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: repository_prune
short_description: Let old generations go, by rules and with reasons
version_added: 0.1.0
author:
  - ucops contributors (@ucops)
description:
  - Decides for every generation whether it stays, and tells why. What no rule keeps gets a signed tombstone. When
    O(grace) is over, a later run removes what only such generations need.
  - Records of pruned generations stay, so that the line of every source can still be verified, and everybody can see
    what was pruned when, why and by whom.
  - "These stay whatever the rules say: the newest generation and the newest complete one; partial ones after which
    nothing complete came; what is held, see M(ucops.recovery.generation_hold); both sides of an open change; a
    C(pre_change) generation as long as a C(post_change) one of its change stays; what the last restore put aside, and
    what all restores of an open change did; the last one that passed a restore drill; and whatever is dated in the
    future or before an earlier generation."
  - Rules count complete generations only, so a partial one never displaces a complete one.
  - The tombstones are signed by a key of its own. A key that may write generations cannot prune.
  - In check mode this is a simulator. It needs no key, and with O(schedule) no repository either.
requirements:
  - cryptography >= 41.0
extends_documentation_fragment:
  - ucops.recovery.repository
  - ucops.recovery.attributes
  - ucops.recovery.attributes.action
  - ucops.recovery.attributes.group
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
    details:
      - Time goes on, and a later run may find that more can go.
options:
  prune_key_file:
    description:
      - Private key on the host where this runs, as C(ssh-keygen -t ed25519 -N '') makes it, mode 0600. Its public half
        is one of O(ucops.recovery.repository#module:signers) with the role V(prune) and not V(writer).
      - Required outside of check mode. Keep it where the writer's key is not, and bring it for the time of the task.
    type: path
  last:
    description:
      - Keep so many of the last complete generations of every source, product and instance.
    type: int
    default: 0
  hourly:
    description:
      - Keep the newest of each of the last so many hours that have one.
    type: int
    default: 0
  daily:
    description:
      - Keep the newest of each of the last so many days that have one. Days, weeks, months and years are those of UTC.
    type: int
    default: 0
  weekly:
    description:
      - Keep the newest of each of the last so many ISO weeks that have one.
    type: int
    default: 0
  monthly:
    description:
      - Keep the newest of each of the last so many months that have one.
    type: int
    default: 0
  yearly:
    description:
      - Keep the newest of each of the last so many years that have one.
    type: int
    default: 0
  per_release:
    description:
      - Keep so many of the last complete generations of every release of the product.
    type: int
    default: 0
  within:
    description:
      - Keep everything that is not older than this, such as V(48h), complete or not.
    type: str
  open_for:
    description:
      - A change of which no hold tells whether it is open counts as open for so long after its last generation.
      - What a restore put aside that belongs to no change stays for so long.
    type: str
    default: 90d
  max_age:
    description:
      - Data that may not get older, such as personal data. When it does, it goes by itself, whatever the rules say,
        also from the newest generation. Only a hold keeps it.
      - The rest of the generation stays and can be restored. A restore says that this data is gone, and leaves alone
        what the host has of it.
      - What a younger generation holds as well stays with that one.
    type: dict
    suboptions:
      logs:
        description:
          - How old logs may get, such as V(90d).
        type: str
      user_data:
        description:
          - How old data of users may get, such as voice messages and call records.
        type: str
  grace:
    description:
      - What was pruned is removed after this time, and can be brought back until then. At least a day. No backup may
        run longer.
    type: str
    default: 7d
  longest_pause:
    description:
      - When the repository knows of nothing for longer than this, the clock may have been set forward, and the run is
        refused until backups went on evenly for the time of O(grace).
    type: str
    default: 35d
  accept_pause:
    description:
      - The clock is right, there was such a pause.
    type: bool
    default: false
  allow_many:
    description:
      - Prune more than a fifth of the generations of a source, product and instance in one run. Otherwise the oldest go
        first, and the others in later runs. What was before a change never goes before what was after it.
    type: bool
    default: false
  source:
    description:
      - Decide only on generations of this source.
    type: str
  product:
    description:
      - Decide only on generations of this product.
    type: str
  instance:
    description:
      - Decide only on generations of this instance. An empty string means those without an instance.
    type: str
  schedule:
    description:
      - A made-up schedule on which the rules are tried out, in check mode only. A run follows after each generation.
      - The repository is not looked at.
    type: list
    elements: dict
    suboptions:
      at:
        description:
          - Time of the first generation, in UTC like V(2026-01-31T12:00:00Z).
        type: str
        required: true
      every:
        description:
          - Time from one generation to the next.
        type: str
        default: 1d
      count:
        description:
          - How many there are.
        type: int
        default: 1
      status:
        description:
          - Whether they are complete.
        type: str
        choices:
          - complete
          - partial
        default: complete
      phase:
        description:
          - Their phase.
        type: str
        choices:
          - scheduled
          - manual
          - pre_change
          - post_change
          - pre_restore
        default: scheduled
      change_id:
        description:
          - The change that they belong to.
        type: str
      release:
        description:
          - Release of the product.
        type: str
  now:
    description:
      - The end of the schedule, in UTC. If not given, it is the present.
    type: str
seealso:
  - module: ucops.recovery.generation_hold
  - module: ucops.recovery.repository
  - module: ucops.recovery.repository_verify
"""

EXAMPLES = r"""
- name: Name who may prune
  ucops.recovery.repository:
    repository: /srv/recovery
    writer_key_file: /etc/ucops/writer.json
    domain_master_secret: "{{ vault_domain_master_secret }}"
    signers:
      - name: janitor
        public_key: "{{ lookup('ansible.builtin.file', 'prune_key.pub') }}"
        roles:
          - prune
  delegate_to: backup1

- name: Keep two weeks, a year of months, and the last two of every release
  ucops.recovery.repository_prune:
    repository: /srv/recovery
    prune_key_file: /run/ucops/prune_key
    daily: 14
    weekly: 8
    monthly: 12
    per_release: 2
    max_age:
      logs: 90d
      user_data: 180d
  delegate_to: backup1

- name: Try the rules out on a year that was made up
  ucops.recovery.repository_prune:
    repository: /srv/recovery
    daily: 14
    monthly: 12
    per_release: 2
    schedule:
      - at: "2026-01-01T02:00:00Z"
        count: 120
        release: "5.6"
      - at: "2026-05-01T02:00:00Z"
        count: 245
        release: "5.7"
    now: "2026-12-31T23:00:00Z"
  delegate_to: backup1
  check_mode: true
"""

RETURN = r"""
decisions:
  description: The decision on every generation that is not pruned yet, oldest first within its source and product. Of
    more than 2000 those come first that do not stay, and the rest is left out.
  type: list
  elements: dict
  returned: success
  contains:
    generation:
      description: Id of the generation.
      type: str
      returned: always
      sample: pbx-berlin/kamailio/7
    received_at:
      description: When it was committed.
      type: str
      returned: always
    decision:
      description: V(keep), V(prune), or V(defer) when it could go and too many go already.
      type: str
      returned: always
    reasons:
      description: Every reason to keep it.
      type: list
      elements: str
      returned: always
      sample:
        - daily
        - per_release 5.7
    phase:
      description: Its phase.
      type: str
      returned: with O(schedule)
    change_id:
      description: Its change.
      type: str
      returned: with O(schedule)
    release:
      description: Its release.
      type: str
      returned: with O(schedule)
    pruned_at:
      description: When it went, empty while it is kept.
      type: str
      returned: with O(schedule)
decisions_total:
  description: How many decisions there are.
  type: int
  returned: success
pruned:
  description: The generations that were pruned, or would be in check mode.
  type: list
  elements: str
  returned: success
deferred:
  description: The generations that go in a later run, because a fifth goes already.
  type: list
  elements: str
  returned: success
expired:
  description: Data of these generations outlived its O(max_age), as C(generation) and C(data_class).
  type: list
  elements: dict
  returned: success, without O(schedule)
removed_files:
  description: How many files were removed whose grace was over, or would be in check mode.
  type: int
  returned: success, without O(schedule)
removed_bytes:
  description: How many bytes they held.
  type: int
  returned: success, without O(schedule)
noted_leftovers:
  description: How many files of interrupted runs were found. They are noted, and removed when the grace is over.
  type: int
  returned: success, without O(schedule)
swept_files:
  description: How many files that were never finished were removed.
  type: int
  returned: success, without O(schedule)
damaged:
  description: Sources whose records cannot be believed. They are left alone, and while there is one nothing is removed.
  type: list
  elements: str
  returned: success, without O(schedule)
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ucops.recovery.plugins.module_utils._module.repository_prune import SPEC, prune_repository
from ansible_collections.ucops.recovery.plugins.module_utils._module.run import run


def main() -> None:
    module = AnsibleModule(supports_check_mode=True, **SPEC.to_kwargs())
    run(module, lambda: prune_repository(module))


if __name__ == "__main__":
    main()
