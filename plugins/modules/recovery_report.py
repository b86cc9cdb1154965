#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 ucops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: recovery_report
short_description: Hold an inventory against a repository, host by host
version_added: 0.2.0
author:
  - ucops contributors (@ucops)
description:
  - Takes the hosts that an inventory declares, not the sources that a repository happens to hold, and tells of each one
    whether it is backed up as declared. So a host that was B(never) backed up is the first line.
  - Tells of each host the newest complete generation and its age against the declared objective, the last check, the
    last restore drill by its signed evidence, gaps, restores that did not end, changes that pin generations, size and
    growth, and whether licence keys are sealed; of the repository the room that is left and for how many days; and
    which lines of generations nobody declares.
  - A repository that is missing, damaged or unreadable is a finding, not an error, so that there is a report of every
    run. The task fails only for options that cannot be.
  - Of each line the signatures of the newest and of the first generation are checked. What stands between is bound to
    the newest one by hashes. M(ucops.recovery.repository_verify) checks everything.
  - When the objects were checked last is what the repository itself noted. These notes are not signed.
  - The role C(ucops.recovery.report) calls it for all repositories of an inventory, and makes reports of what it
    returns.
requirements:
  - cryptography >= 41.0
extends_documentation_fragment:
  - ucops.recovery.unlock
  - ucops.recovery.trust
  - ucops.recovery.attributes
  - ucops.recovery.attributes.info
  - ucops.recovery.attributes.action
  - ucops.recovery.attributes.group
options:
  repository:
    description:
      - Path of the repository on the host that runs the module.
      - One of O(repository) and O(problem) is required.
    type: path
  problem:
    description:
      - Why the repository cannot be looked at, such as that its host cannot be reached. Nothing is looked at then, and
        every host is reported as not known.
    type: str
  hosts:
    description:
      - What the inventory declares to be backed up into this repository. May be empty.
    type: list
    elements: dict
    required: true
    suboptions:
      host:
        description:
          - The host's name in the inventory.
        type: str
        required: true
      source:
        description:
          - The name under which the host is kept.
        type: str
        required: true
      product:
        description:
          - The product.
        type: str
        required: true
      instance:
        description:
          - The instance, if there are several.
        type: str
        default: ""
      rpo:
        description:
          - The recovery point objective, how old the newest complete generation may get, such as V(26h).
        type: str
        default: ""
      rto:
        description:
          - The recovery time objective, such as V(4h). A restore drill that took longer is a finding.
        type: str
        default: ""
      expected_every:
        description:
          - Of what is pushed, how often something should arrive. Counts with O(hosts[].grace) when O(hosts[].rpo) is
            not given.
        type: str
        default: ""
      grace:
        description:
          - How much later it may arrive.
        type: str
        default: ""
      drill_interval:
        description:
          - How long ago the last restore drill that passed may be, such as V(90d).
        type: str
        default: ""
      failure_domain:
        description:
          - What goes down together with the host, in words. Only told.
        type: str
        default: ""
      shared_domain:
        description:
          - What of that goes down together with the repository too, in words. If there is any, that is a finding.
          - The role finds it out with P(ucops.recovery.shared_failure_domains#filter).
        type: str
        default: ""
      problem:
        description:
          - What else is wrong with the declaration, which is a finding.
        type: str
        default: ""
      owner:
        description:
          - Whose data it is. Only told.
        type: str
        default: ""
      responsible:
        description:
          - Who sees to it that backups are made. Only told.
        type: str
        default: ""
      schedule:
        description:
          - When backups are made. Only told.
        type: str
        default: ""
  failure_domain:
    description:
      - What goes down together with the repository, in words. Only told.
    type: str
    default: ""
  default_rpo:
    description:
      - What counts for hosts without O(hosts[].rpo) and O(hosts[].expected_every).
    type: str
    default: 26h
  default_drill_interval:
    description:
      - What counts for hosts without O(hosts[].drill_interval). A host without any drill is overdue when its first
        generation is older than that.
    type: str
    default: 365d
  verify_interval:
    description:
      - How long ago the objects of the newest complete generation may have been checked.
    type: str
    default: 35d
  reserve:
    description:
      - Bytes that are to stay free on the volume of the repository.
    type: int
    default: 10737418240
  growth_window:
    description:
      - The time from which growth is taken. What the first generation of a line brought does not count, as it comes
        once.
    type: str
    default: 30d
  warn_days:
    description:
      - With fewer days until the repository is full there is a finding.
    type: int
    default: 30
  show_licences:
    description:
      - Whether to open the item C(licences) of the newest complete generations, with O(domain_master_secret) or
        O(identity), and to return the licence keys that are sealed in it. Otherwise only where they are sealed is told.
    type: bool
    default: false
seealso:
  - module: ucops.recovery.repository_info
  - module: ucops.recovery.repository_verify
  - module: ucops.recovery.drill_record
"""

EXAMPLES = r"""
- name: Hold two hosts against the repository
  ucops.recovery.recovery_report:
    repository: /srv/recovery
    hosts:
      - host: pbx-berlin
        source: pbx-berlin
        product: kamailio
        rpo: 26h
        drill_interval: 90d
      - host: starface1
        source: starface-berlin
        product: starface
        expected_every: 24h
        grace: 2h
  delegate_to: backup1
  register: report

- name: Stop when one of them was never backed up
  ansible.builtin.fail:
    msg: "{{ report.hosts[0].host }}: {{ report.hosts[0].findings[0].text }}"
  when: report.hosts[0].state == 'never_backed_up'
"""

RETURN = r"""
at:
  description: When the report was made, by the clock of the host that the module ran on.
  type: str
  returned: success
  sample: "2026-01-31T12:00:00Z"
hosts:
  description: Every declared host, the worst first.
  type: list
  elements: dict
  returned: success
  contains:
    host:
      description: Name in the inventory. Source, product, instance, and what else was declared, stand beside it.
      type: str
      returned: always
    line:
      description: The line of generations.
      type: str
      returned: always
      sample: pbx-berlin/mssql@CHAT
    state:
      description: The kind of the worst finding, or V(fine).
      type: str
      returned: always
    findings:
      description: All findings, the worst first, each with C(kind), C(text) and the C(facts) of its text.
      type: list
      elements: dict
      returned: always
      sample:
        - kind: overdue
          text: The last complete backup is 2 d 3 h old, 1 d 2 h are allowed
          facts:
            age: 2 d 3 h
            limit: 1 d 2 h
    rank:
      description: The place of the worst finding's kind among all kinds.
      type: int
      returned: always
    rpo_seconds:
      description: The age that is allowed. C(rpo_declared) says whether it was declared.
      type: int
      returned: always
    drill_interval_seconds:
      description: The age of a drill that is allowed. C(drill_interval_declared) says whether it was declared.
      type: int
      returned: always
    newest_complete:
      description: The newest complete generation, empty when there is none, with C(id), C(at), C(age_seconds),
        C(status), C(missing), C(phase), C(change_id), C(release) and C(head). Time and age of what a product pushed are
        those of its arrival.
      type: dict
      returned: always
    newest:
      description: The newest generation, complete or not.
      type: dict
      returned: always
    first_at:
      description: When the first generation was made.
      type: str
      returned: always
    generations:
      description: How many there are, C(complete), C(partial) and C(pruned).
      type: dict
      returned: always
    data_classes:
      description: Entries and bytes of each data class in the newest complete generation.
      type: dict
      returned: always
    verified:
      description: When all objects of the newest complete generation had been hashed (C(hashed_at)) and when its
        contents were compared (C(opened_at)). Empty for never.
      type: dict
      returned: always
    drill:
      description: The last restore drill, with C(generation), C(at), C(outcome), C(signer), the
        rung that it C(reached), and the C(recovery_seconds) that it took. Empty when there was
        none.
      type: dict
      returned: always
    drill_passed:
      description: The last restore drill that passed.
      type: dict
      returned: always
    open_restores:
      description: Restores that began and did not end.
      type: list
      elements: str
      returned: always
    changes:
      description: Holds in force, with C(kind), C(change_id), C(reason), C(actor), C(since) and the C(generations) that
        they pin.
      type: list
      elements: dict
      returned: always
    stored_bytes:
      description: Size of all objects that the line needs.
      type: int
      returned: always
    growth:
      description: Bytes a day, C(added_per_day), C(released_per_day) and C(per_day), over so many C(days). Empty while
        there is less than a day to see.
      type: dict
      returned: always
    licences:
      description: Whether licence keys are C(sealed) in the newest complete generation, in which C(generation), the
        C(licence_keys) where they were opened, and otherwise in C(problem) why not.
      type: dict
      returned: always
orphans:
  description: Lines of generations in the repository that nobody declares, with C(line), C(source), C(product),
    C(instance), C(newest), C(generations), C(stored_bytes), C(growth) and C(problem).
  type: list
  elements: dict
  returned: success
repository_state:
  description: The repository as a whole.
  type: dict
  returned: success
  contains:
    path:
      description: Where it is.
      type: str
      returned: always
    problem:
      description: Why it could not be looked at. Empty when it could; only then there is more than this.
      type: str
      returned: always
    findings:
      description: Findings on the repository, such as C(low_space), C(filling) or C(orphans), as those of hosts.
      type: list
      elements: dict
      returned: always
    reserve:
      description: Bytes that are to stay free.
      type: int
      returned: always
    failure_domain:
      description: What goes down together with it.
      type: str
      returned: always
    stored_bytes:
      description: Size of all objects. C(needed_bytes) is the size of those that a generation needs, C(objects) their
        number.
      type: int
      returned: when it could be looked at
    free_bytes:
      description: Free space on its volume.
      type: int
      returned: when it could be looked at
    growth:
      description: As that of a host.
      type: dict
      returned: when it could be looked at
    days_until_full:
      description: Days until only the reserve is free. Null when it does not grow, or too little is known.
      type: float
      returned: when it could be looked at
    verified:
      description: When objects were hashed last, C(newest_at) and, when all were, C(oldest_at); how many of them
        C(never) were; and when contents were compared last, C(opened_at).
      type: dict
      returned: when it could be looked at
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ucops.recovery.plugins.module_utils._module.recovery_report import SPEC, report_recovery
from ansible_collections.ucops.recovery.plugins.module_utils._module.run import run


def main() -> None:
    module = AnsibleModule(supports_check_mode=True, **SPEC.to_kwargs())
    run(module, lambda: report_recovery(module))


if __name__ == "__main__":
    main()
