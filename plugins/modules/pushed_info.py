#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 ucops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pushed_info
short_description: Show what lies in a landing zone and how old the last good backup is
version_added: 0.1.0
author:
  - ucops contributors (@ucops)
description:
  - Looks into the landing zone of a source, and says of every file whether it is stable and why not, what is refused,
    and what an earlier run took and did not finish.
  - Names the newest complete generation of what the product pushed, its age, and whether the next one is overdue. That
    does not fail the task.
  - Changes nothing. Run it on the backup host, with C(delegate_to).
requirements:
  - cryptography >= 41.0
  - zstandard >= 0.19
extends_documentation_fragment:
  - ucops.recovery.repository
  - ucops.recovery.source
  - ucops.recovery.landing
  - ucops.recovery.attributes
  - ucops.recovery.attributes.info
  - ucops.recovery.attributes.action
  - ucops.recovery.attributes.group
options:
  product:
    description:
      - The product whose generations are asked for.
    type: str
    default: pushed
seealso:
  - module: ucops.recovery.pushed_backup
"""

EXAMPLES = r"""
- name: See what has arrived
  ucops.recovery.pushed_info:
    repository: /srv/recovery
    source: "{{ inventory_hostname }}"
    landing: /srv/landing
    expected_every: 24h
  delegate_to: backup1
"""

RETURN = r"""
files:
  description: The files that are meant, in the order of receipt.
  type: list
  elements: dict
  returned: success
  contains:
    names:
      description: The files that belong together. What is no plain text in a name is percent-encoded.
      type: list
      elements: str
      returned: always
    size:
      description: Bytes of all of them.
      type: int
      returned: always
    received_at:
      description: Since when the last of them is as it is, by the clock of the backup host.
      type: str
      returned: always
    sent_at:
      description: What the sender says of the time of the last of them. It is believed nowhere.
      type: str
      returned: always
    container:
      description: The kind of container of the first one, by its first bytes. V(unknown) when they say nothing or it
        cannot be read.
      type: str
      returned: always
    level:
      description: V(stable) when the next backup will take them, else V(received).
      type: str
      returned: always
    waits_for:
      description: Why they are not stable yet.
      type: str
      returned: always
kept:
  description: Files that are in the repository already and were put back to be seen.
  type: list
  elements: str
  returned: success
other:
  description: Files that O(patterns) and O(exclude) leave out.
  type: list
  elements: str
  returned: success
refused:
  description: What is never taken.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: Its path below C(incoming).
      type: str
      returned: always
    reason:
      description: Why.
      type: str
      returned: always
unfinished:
  description: What an earlier run took and did not finish, or could not read. The next backup tries again.
  type: list
  elements: dict
  returned: success
  contains:
    names:
      description: The files.
      type: list
      elements: str
      returned: always
    state:
      description: V(taken) when it may not be in the repository yet, V(stored) when only the tidying is left.
      type: str
      returned: always
overdue:
  description: Whether the last good generation is older than O(expected_every) and O(grace). Null when nothing is
    expected.
  type: bool
  returned: success
last_good:
  description: The newest complete generation. Null when there is none.
  type: dict
  returned: success
  contains:
    id:
      description: Its id.
      type: str
      returned: always
    received_at:
      description: When it arrived, by the clock of the backup host.
      type: str
      returned: always
    age:
      description: Seconds since then.
      type: int
      returned: always
    release:
      description: The release of the product.
      type: str
      returned: always
    level:
      description: V(plausible), or V(restorable_proved) when a drill restored it.
      type: str
      returned: always
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ucops.recovery.plugins.module_utils._module.pushed_info import SPEC, look_at_landing
from ansible_collections.ucops.recovery.plugins.module_utils._module.run import run


def main() -> None:
    module = AnsibleModule(supports_check_mode=True, **SPEC.to_kwargs())
    run(module, lambda: look_at_landing(module))


if __name__ == "__main__":
    main()
