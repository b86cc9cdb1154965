#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 ucops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: repository_info
short_description: Show what is in a repository, without any key
version_added: 0.1.0
author:
  - ucops contributors (@ucops)
description:
  - Shows the keyring of a repository, its sources with their newest generations and heads, its size, and restores that
    did not end.
  - It needs no key, and checks signatures only as far as it reads. Use M(ucops.recovery.repository_verify) to
    check everything.
requirements:
  - cryptography >= 41.0
extends_documentation_fragment:
  - ucops.recovery.repository
  - ucops.recovery.attributes
  - ucops.recovery.attributes.info
  - ucops.recovery.attributes.action
  - ucops.recovery.attributes.group
seealso:
  - module: ucops.recovery.generation_info
  - module: ucops.recovery.repository_verify
"""

EXAMPLES = r"""
- name: Look at the repository
  ucops.recovery.repository_info:
    repository: /srv/recovery
  delegate_to: backup1
  register: recovery

- name: Keep the heads on the controller
  ansible.builtin.copy:
    content: "{{ recovery.heads | to_nice_json }}"
    dest: heads.json
    mode: "0600"
  delegate_to: localhost
"""

RETURN = r"""
repository_id:
  description: The repository's own, random name.
  type: str
  returned: success
  sample: 6f0c9f3e5a7b4c1d8e2f3a4b5c6d7e8f
format:
  description: Number of the repository's format.
  type: int
  returned: success
  sample: 1
owner:
  description: The public key of the owner, which signs the keyring.
  type: str
  returned: success
owner_fingerprint:
  description: Fingerprint of the owner's key, as C(ssh-keygen -l) shows it and as it stands on the recovery card.
  type: str
  returned: success
recipients:
  description: Everybody that new generations are sealed to, each with C(name), C(recipient) and C(kind).
  type: list
  elements: dict
  returned: success
signers:
  description: Everybody that may sign, each with C(name), C(public_key), C(roles) and C(revoked).
  type: list
  elements: dict
  returned: success
slots:
  description: The ids of the slots that the Domain Master Secret opens.
  type: list
  elements: str
  returned: success
allowed_signers:
  description:
    - The owner and all signers in the format of C(ssh-keygen)'s allowed signers file, as the repository itself says it.
    - To trust it, compare it with what was kept when the repository was created.
  type: str
  returned: success
sources:
  description: Every source and product.
  type: list
  elements: dict
  returned: success
  contains:
    source:
      description: Name of the source.
      type: str
      returned: always
    product:
      description: Name of the product.
      type: str
      returned: always
    instance:
      description: Name of the instance, empty when there is only one.
      type: str
      returned: always
    generations:
      description: How many generations there are.
      type: int
      returned: always
    newest:
      description: The newest generation, with the keys that RV(ucops.recovery.generation_info#module:generations) has.
      type: dict
      returned: always
    newest_complete:
      description: The id of the newest complete generation.
      type: str
      returned: when there is one
    head:
      description: The head.
      type: str
      returned: always
    open_restores:
      description: Restores that began and did not end.
      type: list
      elements: str
      returned: always
    last_drill:
      description: The last restore drills, as RV(ucops.recovery.generation_info#module:last_drills) tells them.
      type: dict
      returned: always
heads:
  description: The newest head of every source and product, ready to be kept and given as
    O(ucops.recovery.repository_verify#module:expected_heads).
  type: dict
  returned: success
  sample:
    pbx-berlin/kamailio: 0f343b0931126a20f133d67c2b018a3b6b1e7c6bd7d1fbe2b5a3ad7e0c6b2c5d
damaged:
  description: Sources that cannot be read, with the reason.
  type: list
  elements: dict
  returned: success
objects:
  description: How many objects the repository holds.
  type: int
  returned: success
stored_bytes:
  description: Size of all objects.
  type: int
  returned: success
free_bytes:
  description: Free space on the volume of the repository.
  type: int
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ucops.recovery.plugins.module_utils._module.repository_info import SPEC, describe_repository
from ansible_collections.ucops.recovery.plugins.module_utils._module.run import run


def main() -> None:
    module = AnsibleModule(supports_check_mode=True, **SPEC.to_kwargs())
    run(module, lambda: describe_repository(module))


if __name__ == "__main__":
    main()
