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
  result:
    description:
      - The result of this host. Give the part that is its own, not what the whole job returned, which is long.
    type: dict
    required: true
seealso:
  - module: ucops.recovery.fleet_backup
"""

EXAMPLES = r"""
- name: Hand each host its own result
  ucops.recovery.fleet_backup_result:
    result: "{{ fleet.hosts[inventory_hostname] }}"
  register: recovery_result
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
    run(module, lambda: own_result(module.params))


if __name__ == "__main__":
    main()
