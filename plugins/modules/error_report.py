#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 ucops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: error_report
short_description: Send one mail about every backup that failed in a run
version_added: 0.1.0
author:
  - ucops contributors (@ucops)
description:
  - Sends one mail that names every failed, overdue or implausible backup of a run, why, what of it was kept, and the
    last good generation. Without failures nothing is sent.
  - The playbook C(ucops.recovery.backup) calls it at its end when C(recovery_report_to) is set, and fails afterwards
    for every host whose backup failed, whether the mail could be sent or not.
  - It tells what the modules told; these never put a secret into a message.
requirements:
  - cryptography >= 41.0
extends_documentation_fragment:
  - ucops.recovery.report
  - ucops.recovery.attributes
  - ucops.recovery.attributes.action
  - ucops.recovery.attributes.group
attributes:
  check_mode:
    support: full
    details:
      - Sends nothing.
  diff_mode:
    support: full
    details:
      - Shows subject and text of the mail.
  idempotent:
    support: none
    details:
      - Every call with failures sends a mail.
options:
  failures:
    description:
      - What failed.
    type: list
    elements: dict
    required: true
    suboptions:
      source:
        description:
          - The name under which the host is kept.
        type: str
        required: true
      product:
        description:
          - The product.
        type: str
      instance:
        description:
          - The instance, if there are several.
        type: str
      error:
        description:
          - The kind of the error, as modules return it.
        type: str
      problem:
        description:
          - Why it failed, as modules return it.
        type: str
        required: true
      generation:
        description:
          - Id of the partial generation that was kept.
        type: str
      last_good:
        description:
          - The last complete generation, and when it was made.
        type: str
  repository:
    description:
      - Path of the repository on the host that runs the module. The last good generation of each failure is looked up
        there. Without it only what O(failures) say is told.
    type: path
  looked_at:
    description:
      - How many backups the run should have made.
    type: int
  phase:
    description:
      - On which side of a change the run stands.
    type: str
  change_id:
    description:
      - The change that it belongs to.
    type: str
  run_id:
    description:
      - The name of the run.
    type: str
seealso:
  - module: ucops.recovery.generation_info
"""

EXAMPLES = r"""
- name: Tell the people on call
  ucops.recovery.error_report:
    repository: /srv/recovery
    report_to:
      - telephony@example.com
    report_from: backup@example.com
    smtp_host: mail.example.com
    smtp_username: backup
    smtp_password: "{{ vault_smtp_password }}"
    failures:
      - source: pbx-berlin
        product: kamailio
        problem: "{{ recovery_result.msg }}"
        generation: "{{ recovery_result.generation.id | default(omit) }}"
    phase: scheduled
  delegate_to: backup1
"""

RETURN = r"""
count:
  description: How many failures the mail tells of.
  type: int
  returned: success
  sample: 1
refused:
  description: Recipients that the mail server did not take, while it took others.
  type: list
  elements: str
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ucops.recovery.plugins.module_utils._module.error_report import SPEC, report_errors
from ansible_collections.ucops.recovery.plugins.module_utils._module.run import run


def main() -> None:
    module = AnsibleModule(supports_check_mode=True, **SPEC.to_kwargs())
    run(module, lambda: report_errors(module))


if __name__ == "__main__":
    main()
