#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 ucops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_backup_result
short_description: Hand a host its own result of a fleet's job
version_added: 0.1.0
author:
  - ucops contributors (@ucops)
description:
  - Ends as the backup of the host ended that M(ucops.recovery.fleet_backup) made. The host is V(ok), V(changed),
    V(failed), V(unreachable) or V(skipped), with its own difference, as if it had run the module of its product.
  - It connects to nothing and takes some milliseconds.
extends_documentation_fragment:
  - ucops.recovery.attributes
  - ucops.recovery.attributes.info
  - ucops.recovery.attributes.group
attributes:
  action:
    description: Indicates this has a corresponding action plugin so some parts of the options can be executed on the
      controller.
    support: full
  async:
    description: Supports being used with the C(async) keyword.
    support: none
options:
  job:
    description:
      - What the result of M(ucops.recovery.fleet_backup) was registered as. Give the name and no template of it, since
        Ansible would make out that template anew for each host.
      - Either this or O(result).
    type: str
  result:
    description:
      - The result of this host, the part that is its own, for a job whose result comes from somewhere else.
    type: dict
seealso:
  - module: ucops.recovery.fleet_backup
"""

EXAMPLES = r"""
- name: Hand each host its own result
  ucops.recovery.fleet_backup_result:
    job: fleet
  register: recovery_result

- name: Hand each host its own result of a job that was kept
  ucops.recovery.fleet_backup_result:
    result: "{{ kept.hosts[inventory_hostname] }}"
"""

RETURN = r"""
generation:
  description: The generation that was made, as the backup module of the product returns it.
  type: dict
  returned: when there is one
reused:
  description: Whether it was made by an earlier try of the same run.
  type: bool
  returned: when it was
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ucops.recovery.plugins.module_utils._module.fleet_backup_result import SPEC, own_result
from ansible_collections.ucops.recovery.plugins.module_utils._module.run import run


def main() -> None:
    module = AnsibleModule(supports_check_mode=True, **SPEC.to_kwargs())
    run(module, lambda: own_result(module.params["result"]))


if __name__ == "__main__":
    main()
