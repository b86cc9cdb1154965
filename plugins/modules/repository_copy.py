#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 ucops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: repository_copy
short_description: Pull a second copy of a repository
version_added: 0.1.0
author:
  - ucops contributors (@ucops)
description:
  - Runs on the host that keeps the second copy, and pulls from a folder where that host sees the first one, such as a
    mount that is read-only or what C(rsync) fetched. Nothing on the first host needs to reach the second one.
  - Every object, record and signature is verified while it is taken. What is damaged is not taken and makes the task
    fail when everything else was taken.
  - Nothing in the copy is removed or overwritten, so a deletion in the source, or a pruning, is not carried over. The
    copy has a retention of its own, by M(ucops.recovery.repository_prune) on its host.
  - Slots of a former Domain Master Secret stay in the copy too. Nothing uses them, as the keyring does not list them.
  - A source that was rolled back or swapped is refused by name before anything is taken. The heads of the copy are
    compared with it, and O(expected_heads).
  - O(allowed_signers) is required here.
  - What a later run finds missing in the copy is taken again, if the source has it.
requirements:
  - cryptography >= 41.0
  - zstandard >= 0.19
extends_documentation_fragment:
  - ucops.recovery.repository
  - ucops.recovery.trust
  - ucops.recovery.attributes
  - ucops.recovery.attributes.action
  - ucops.recovery.attributes.group
attributes:
  check_mode:
    support: full
    details:
      - Says what would be taken. Objects are compared by their size only, not read.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  repository:
    description:
      - Folder of the copy on the host where this runs. It is made if it is missing.
    type: path
    required: true
  source_repository:
    description:
      - Folder of the repository that is copied, as the host where this runs sees it. It is only read.
    type: path
    required: true
seealso:
  - module: ucops.recovery.repository_verify
  - module: ucops.recovery.repository_prune
"""

EXAMPLES = r"""
- name: Pull the second copy
  ucops.recovery.repository_copy:
    repository: /srv/recovery-copy
    source_repository: /mnt/backup1/recovery
    allowed_signers: allowed_signers
    expected_heads: heads.json
  delegate_to: backup2
"""

RETURN = r"""
generations:
  description: The generations that were taken, at most 200.
  type: list
  elements: str
  returned: success
generations_total:
  description: How many there are.
  type: int
  returned: success
objects:
  description: How many objects were taken.
  type: int
  returned: success
bytes_copied:
  description: How many bytes they have.
  type: int
  returned: success
records:
  description: How many records of the journal, holds and drills were taken.
  type: int
  returned: success
keyring_changed:
  description: Whether keyring, slots or documents were taken.
  type: bool
  returned: success
heads:
  description: The head of every source and product that both have now.
  type: dict
  returned: success
findings:
  description: What could not be taken, as C(object) and C(problem). With a finding the task fails.
  type: list
  elements: dict
  returned: always
findings_total:
  description: How many findings there are.
  type: int
  returned: always
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ucops.recovery.plugins.module_utils._module.repository_copy import SPEC, copy_repository
from ansible_collections.ucops.recovery.plugins.module_utils._module.run import run


def main() -> None:
    module = AnsibleModule(supports_check_mode=True, **SPEC.to_kwargs())
    run(module, lambda: copy_repository(module))


if __name__ == "__main__":
    main()
