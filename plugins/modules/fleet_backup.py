#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 ucops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_backup
short_description: Back up all hosts of a play in one job
version_added: 0.1.0
author:
  - ucops contributors (@ucops)
description:
  - Makes one job of all hosts of the play's batch and sends it to the host that the task is delegated to. One process
    there gathers them concurrently, each exactly as the module of its product would, and gives each its own result.
  - A task of its own costs a host a fork, a payload and a start of Python. Here they are paid once.
  - The task never fails because of a host. M(ucops.recovery.fleet_backup_result) hands each host its own result, so
    that recap, callbacks and what comes after look as if each had run its own task.
  - Run again with the same O(run_id), it does only what is missing.
  - A host's options are held against those of its product before anything is reached.
  - Products that push their own backups, C(keyfactor_appliance), C(pushed) and C(starface), are left to tasks of their
    own, and so are hosts whose repository is another one than that of the hosts before them.
extends_documentation_fragment:
  - ucops.recovery.repository
  - ucops.recovery.repository.writer
  - ucops.recovery.unlock
  - ucops.recovery.change
  - ucops.recovery.change.phase
  - ucops.recovery.attributes
  - ucops.recovery.attributes.backing_up
  - ucops.recovery.attributes.action
  - ucops.recovery.attributes.group
options:
  product_variable:
    description:
      - The variable in which a host names its product. A host without one is skipped.
    type: str
    default: recovery_product
  options_variable:
    description:
      - The variable in which a host has the options of its product's backup module, as a dictionary. It may be a
        template that is worth something else for each host.
      - O(repository), O(writer_key_file) and what opens the repository may stand there too, the same for all of one
        repository. Of the other options that this module has as well, what a host says itself counts.
    type: str
    default: recovery_options
  site_variable:
    description:
      - The variable in which a host names its site, for O(concurrency_by_site) and O(concurrency_per_site).
    type: str
    default: recovery_site
  backup_host_variable:
    description:
      - The variable in which a host names its backup host. A host of which it is not the one that the task is delegated
        to is left to a task of its own.
    type: str
    default: recovery_backup_host
  own_task_variable:
    description:
      - The variable in which a host that has a task of its own, and no part in the job, names its product.
      - A host of the job that may demand a generation of such a host in the same run is left to a task of its own
        too, and that has to come later.
      - If not given, nobody is left to a task of his own for that reason.
    type: str
  progress_interval:
    description:
      - Seconds between two lines that say how far the job is. V(0) is none.
      - If not given, 10 on a terminal, and 60 in a job of AWX.
    type: float
  concurrency:
    description:
      - At most so many hosts are gathered at a time. As many again may be waited for, when they do not answer.
    type: int
    default: 16
  concurrency_by_product:
    description:
      - "At most so many hosts of a product at a time, such as V({kamailio: 4})."
    type: dict
  concurrency_by_site:
    description:
      - "At most so many hosts of a site at a time, such as V({berlin: 2})."
    type: dict
  concurrency_per_site:
    description:
      - At most so many hosts of any site that O(concurrency_by_site) does not name.
    type: int
  host_timeout:
    description:
      - Seconds that one host may take. Then it is cut off and has failed; services that were stopped for its backup are
        started again, and the job waits for them.
    type: float
    default: 3600
  run_timeout:
    description:
      - Seconds that the whole job may take. Hosts that are at work then are cut off, those that wait have failed.
    type: float
  hosts:
    description:
      - Set by the action plugin; not for playbooks.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - The host's name.
        type: str
        required: true
      product:
        description:
          - Its product.
        type: str
        required: true
      options:
        description:
          - Options of its product's module that may be seen.
        type: dict
      site:
        description:
          - Its site.
        type: str
  secrets:
    description:
      - Set by the action plugin; not for playbooks.
    type: dict
  progress_file:
    description:
      - Set by the action plugin; not for playbooks.
    type: path
notes:
  - The strategy of the play must be C(linear), which is the default.
  - With C(serial) there is a job for each batch.
seealso:
  - module: ucops.recovery.fleet_backup_result
"""

EXAMPLES = r"""
- name: Back up the whole fleet in one job
  ucops.recovery.fleet_backup:
    repository: /srv/recovery
    writer_key_file: /etc/ucops/writer.json
    options_variable: my_options
    concurrency: 32
    concurrency_per_site: 4
    run_id: night-2026-11-25
  delegate_to: backup1
  run_once: true
  register: fleet

- name: Hand each host its own result
  ucops.recovery.fleet_backup_result:
    job: fleet
  register: recovery_result
"""

RETURN = r"""
hosts:
  description:
    - By host, what its product's backup module would have returned, with C(failed) or C(unreachable) when it did not
      succeed, and C(skipped) when it has no product.
  type: dict
  returned: always
commits:
  description: How many groups the generations were committed in.
  type: int
  returned: success
duration:
  description: Seconds that the job took on the backup host.
  type: float
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ucops.recovery.plugins.module_utils._module.fleet_backup import SPEC, back_up_fleet
from ansible_collections.ucops.recovery.plugins.module_utils._module.run import run


def main() -> None:
    module = AnsibleModule(supports_check_mode=True, **SPEC.to_kwargs())
    run(module, lambda: back_up_fleet(module))


if __name__ == "__main__":
    main()
