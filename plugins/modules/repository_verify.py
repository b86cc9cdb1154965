#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 ucops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: repository_verify
short_description: Check a repository, byte by byte if need be
version_added: 0.1.0
author:
  - ucops contributors (@ucops)
description:
  - Checks a repository on one of three levels, each of which includes the ones before.
  - The task fails when anything is damaged, and names every file. It fails too when O(allowed_signers) or
    O(expected_heads) are given and do not fit.
  - Within O(max_duration) it checks what was not checked for the longest time first, so that frequent short runs get
    through everything.
  - A large repository is looked at by a process for each processor that the backup host gives it, at most eight.
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
attributes:
  check_mode:
    details:
      - Outside of check mode it notes in the repository what was checked, as a hint for the next run, unless
        O(generations) are named.
options:
  level:
    description:
      - V(0) lists everything and checks names, sizes, chains, signatures, the keyring and the documents. Signatures are
        those of generations, restores, holds, evidence of drills, and of what was let go.
      - V(1) also reads every object and checks its hash.
      - V(2) also opens every object and compares every file with its hash, or one of 256 KiB and more with the hashes
        of its pieces. This needs one of O(domain_master_secret), O(identity) and O(identity_file).
    type: int
    choices:
      - 0
      - 1
      - 2
    default: 1
  source:
    description:
      - Check the generations of this source only. The keyring and the documents are always checked.
      - A line that O(expected_heads) names is looked for also when nothing of it is there. Where O(source), O(product)
        and O(instance) leave no line the task fails, as nothing was verified.
    type: str
  product:
    description:
      - Check the generations of this product only.
    type: str
  instance:
    description:
      - Check the generations of this instance only.
    type: str
  generations:
    description:
      - Check these generations only, by their ids, such as those that a change relies on. Each must be there, complete
        and not pruned, or the task fails. Of their lines every record is checked, and what these generations need is
        read.
    type: list
    elements: str
  max_age:
    description:
      - How old O(generations) may be, like V(4h), by the clock of the host that runs this module.
    type: str
  max_duration:
    description:
      - Seconds after which no further object is begun. RV(remaining) then tells how much is left.
      - If not given, everything is checked.
    type: int
seealso:
  - module: ucops.recovery.repository_info
"""

EXAMPLES = r"""
- name: Check all hashes, without any key
  ucops.recovery.repository_verify:
    repository: /srv/recovery
    allowed_signers: allowed_signers
    expected_heads: heads.json
  delegate_to: backup1

- name: See that what a change relies on is whole and young
  ucops.recovery.repository_verify:
    repository: /srv/recovery
    generations: ["pbx-berlin/kamailio/7"]
    max_age: 4h
  delegate_to: backup1

- name: Open and compare for an hour what was not looked at for the longest time
  ucops.recovery.repository_verify:
    repository: /srv/recovery
    level: 2
    max_duration: 3600
    domain_master_secret: "{{ vault_domain_master_secret }}"
    allowed_signers: allowed_signers
  delegate_to: backup1
"""

RETURN = r"""
verdict:
  description:
    - V(authentic) if nothing is wrong and everything that was given for trust fits, V(self_consistent) if nothing is
      wrong but nothing was
      given to compare with, V(damaged) otherwise.
  type: str
  returned: always
  sample: authentic
findings:
  description: What is wrong, at most 200 of them.
  type: list
  elements: dict
  returned: always
  contains:
    object:
      description: Name of the file in the repository.
      type: str
      returned: always
    problem:
      description: What is wrong with it.
      type: str
      returned: always
    generations:
      description: The generations that are affected, at most 20 of them.
      type: list
      elements: str
      returned: always
findings_total:
  description: How many findings there are.
  type: int
  returned: always
checked:
  description: How much was checked, of C(generations), C(signatures), C(files), C(objects), C(bytes) and C(contents).
  type: dict
  returned: always
remaining:
  description: How many objects were not checked for lack of time.
  type: int
  returned: always
generations:
  description: The generations that O(generations) names, as far as they can be read.
  type: list
  elements: dict
  returned: always
  contains:
    id:
      description: Its id.
      type: str
      returned: always
    status:
      description: V(complete) or V(partial).
      type: str
      returned: always
    phase:
      description: On which side of a change it stands.
      type: str
      returned: always
    change_id:
      description: The change that it belongs to, empty when there is none.
      type: str
      returned: always
    received_at:
      description: When it was received, UTC.
      type: str
      returned: always
    age:
      description: Seconds since then.
      type: int
      returned: always
heads:
  description: The newest head of every source and product.
  type: dict
  returned: always
notes:
  description: What is odd but harmless, such as what an interrupted run left behind.
  type: list
  elements: str
  returned: always
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ucops.recovery.plugins.module_utils._module.repository_verify import SPEC, verify_repository
from ansible_collections.ucops.recovery.plugins.module_utils._module.run import run


def main() -> None:
    module = AnsibleModule(supports_check_mode=True, **SPEC.to_kwargs())
    run(module, lambda: verify_repository(module))


if __name__ == "__main__":
    main()
