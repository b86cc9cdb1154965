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
    line. What somebody has to look at is graded by the same rules for every product, see RV(findings).
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
  only_digests:
    description:
      - Compare by the keyed digests of the items alone, as the clear records have them. Needs nothing that unlocks, and
        tells which items differ and not how.
    type: bool
    default: false
  emergency_numbers:
    description:
      - Numbers whose routes nobody may change by accident.
    type: list
    elements: str
    default: ["112", "110", "911"]
  users_gone_percent:
    description:
      - When more than this part of the users is gone, and at least five, the finding is high.
    type: int
    default: 10
  certificate_days:
    description:
      - A certificate that ends within so many days is a finding.
    type: int
    default: 30
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

- name: Look whether anything changed, without a key
  ucops.recovery.generation_diff:
    repository: /srv/recovery
    generation: pbx-berlin/kamailio/latest
    only_digests: true
  delegate_to: backup1

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
opened:
  description: Whether the generations were opened; with O(only_digests) they are not.
  type: bool
  returned: success
changed_items:
  description: The items whose keyed digests differ. Null where they were made with different keys.
  type: list
  elements: str
  returned: success
identical:
  description: Whether nothing that was compared differs. Null where that cannot be told.
  type: bool
  returned: success
findings:
  description:
    - What somebody has to look at, the worst first.
    - High are a changed route of an emergency number, a trunk or an authority that is gone, a changed administrator,
      many users gone at once, a certificate that ended, and what the product itself marks, such as a service that is
      gone or a configuration that cannot be read.
    - Medium are another release, a changed trunk, who is let in without a password, and a certificate that ends soon.
  type: list
  elements: dict
  returned: success
  contains:
    grade:
      description: V(high), V(medium) or V(low).
      type: str
      returned: always
    rule:
      description: Why it is told, such as V(emergency_route), V(trunk_removed) or V(users_gone).
      type: str
      returned: always
    text:
      description: What it is, with secrets as placeholders.
      type: str
      returned: always
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
      description: How much it matters, V(high), V(medium) or V(low).
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
opaque:
  description: The contents that differ and that cannot be looked into, or must not be.
  type: list
  elements: dict
  returned: success
  contains:
    path:
      description: Path on the source.
      type: str
      returned: always
    before:
      description: Bytes and a keyed digest; empty where there was nothing.
      type: str
      returned: always
    after:
      description: The same of what is there now.
      type: str
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
