#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 ucops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: known_heads
short_description: Keep the heads of generations in a file outside of the repository
version_added: 0.1.0
author:
  - ucops contributors (@ucops)
description:
  - Adds heads, the hashes of the newest generations, to a JSON file. What it has of other sources and products stays.
  - With such a file, kept where nobody who can write to the repository can write, it is seen when somebody rolls the
    repository back. See O(ucops.recovery.repository_verify#module:expected_heads).
  - Many may write to one file at the same time, such as the slices of a job in AWX. Each waits for the others, so no
    head is lost, and whoever reads sees a whole file. Of one line the head that is written last counts.
  - The playbooks call it on the controller when C(recovery_heads_file) is set.
extends_documentation_fragment:
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
options:
  path:
    description:
      - The file. Its folder must exist. A new file has the mode 0600.
      - It has to lie on a file system with locks, which NFS 4 and SMB are as well.
    type: path
    required: true
  heads:
    description:
      - The head of each line, which is a source and product, such as V(pbx-berlin/kamailio), with an instance
        V(pbx-berlin/mssql@CHAT).
    type: dict
    required: true
seealso:
  - module: ucops.recovery.repository_verify
  - module: ucops.recovery.repository_info
"""

EXAMPLES = r"""
- name: Keep the head of what was just made
  ucops.recovery.known_heads:
    path: /var/lib/recovery/heads.json
    heads:
      pbx-berlin/kamailio: "{{ kept.generation.head }}"
  delegate_to: localhost
"""

RETURN = r"""
heads:
  description: All heads that the file has now.
  type: dict
  returned: success
  sample:
    pbx-berlin/kamailio: 0f5d7a8b6c1e4f3a9d2c7b8e1f6a5d4c3b2a1908f7e6d5c4b3a29180f7e6d5c4
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ucops.recovery.plugins.module_utils._module.known_heads import SPEC, keep_heads
from ansible_collections.ucops.recovery.plugins.module_utils._module.run import run


def main() -> None:
    module = AnsibleModule(supports_check_mode=True, **SPEC.to_kwargs())
    run(module, lambda: keep_heads(module))


if __name__ == "__main__":
    main()
