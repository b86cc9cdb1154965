#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 ucops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: generation_diff
short_description: Show what differs between two generations, with secrets masked
version_added: 0.1.0
author:
  - ucops contributors (@ucops)
description:
  - Opens two generations of one product and compares them, in the words of the product where it has any, and line by
    line.
  - Secrets are shown as placeholders only. Equal secrets have equal placeholders.
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
  diff_mode:
    support: full
    details:
      - Shows the difference line by line.
options:
  generation:
    description:
      - Id of the later generation, like V(pbx-berlin/kamailio/7). V(pbx-berlin/kamailio/latest) is the newest complete
        one that no restore put aside.
    type: str
    required: true
  against:
    description:
      - Id of the earlier generation. It must be of the same product.
      - If not given, the one before O(generation).
    type: str
  writer_key_file:
    description:
      - The writer's key file on the backup host. With it a secret has the same placeholder in every run. Without it
        placeholders can be
        compared within one result only.
    type: path
  only_paths:
    description:
      - Compare only what lies at or under these paths. C(*) and C(?) are wildcards.
      - Paths and registry keys of a Windows host may be written as they are there.
    type: list
    elements: str
  max_lines:
    description:
      - At most so many lines of RV(text), so that results stay small.
    type: int
    default: 2000
seealso:
  - module: ucops.recovery.generation_info
"""

EXAMPLES = r"""
- name: Show what the change changed
  ucops.recovery.generation_diff:
    repository: /srv/recovery
    generation: pbx-berlin/kamailio/latest
    against: pbx-berlin/kamailio/6
    writer_key_file: /etc/ucops/writer.json
    domain_master_secret: "{{ vault_domain_master_secret }}"
  delegate_to: backup1
  register: difference

- name: Say it in words
  ansible.builtin.debug:
    msg: "{{ difference.changes }}"
"""

RETURN = r"""
generation:
  description: Id of the later generation.
  type: str
  returned: success
against:
  description: Id of the earlier generation.
  type: str
  returned: success
identical:
  description: Whether nothing that was compared differs.
  type: bool
  returned: success
changes:
  description: The difference in the words of the product, with secrets as placeholders.
  type: list
  elements: dict
  returned: success
  contains:
    kind:
      description: What kind of thing it is, such as a parameter or a dispatcher row.
      type: str
      returned: always
    object:
      description: Which one.
      type: str
      returned: always
    action:
      description: V(added), V(removed) or V(changed).
      type: str
      returned: always
    before:
      description: What it was.
      type: str
      returned: when there was something
    after:
      description: What it is.
      type: str
      returned: when there is something
    severity:
      description: How much it matters.
      type: str
      returned: always
files:
  description: The files that differ.
  type: list
  elements: dict
  returned: success
  contains:
    path:
      description: Path on the source, with bytes that are not UTF-8 and control characters percent-encoded.
      type: str
      returned: always
    action:
      description: V(added), V(removed), V(changed), or V(metadata) when only owner, mode or the like differ.
      type: str
      returned: always
    metadata:
      description: The names of the attributes that differ, such as C(mode).
      type: list
      elements: str
      returned: always
text:
  description: The difference line by line, masked, in unified format. Binary and very large files are only named.
  type: str
  returned: success
truncated:
  description: Whether lines of RV(text) were left out.
  type: bool
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ucops.recovery.plugins.module_utils._module.generation_diff import SPEC, compare_generations
from ansible_collections.ucops.recovery.plugins.module_utils._module.run import run


def main() -> None:
    module = AnsibleModule(supports_check_mode=True, **SPEC.to_kwargs())
    run(module, lambda: compare_generations(module))


if __name__ == "__main__":
    main()
