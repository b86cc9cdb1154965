#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 ucops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: generation_extract
short_description: Open a generation into a folder
version_added: 0.1.0
author:
  - ucops contributors (@ucops)
description:
  - Writes the files of a generation, byte by byte as they were, below a folder of the host that runs this module.
  - What is written there is in the clear. Choose an encrypted or temporary volume and remove the folder afterwards.
  - The folder gets mode 0700. Nothing is ever written outside of it. Mode and modification time of files are kept,
    owners only when the
    module runs as root. Set-user-ID and set-group-ID bits, device files, ACLs and extended attributes are left out. Use
    the restore module of
    the product to put a host back exactly.
  - A large generation is written by a process for each processor that the host gives it, at most eight.
requirements:
  - cryptography >= 41.0
  - zstandard >= 0.19
extends_documentation_fragment:
  - ucops.recovery.repository
  - ucops.recovery.unlock
  - ucops.recovery.trust
  - ucops.recovery.attributes
  - ucops.recovery.attributes.action
  - ucops.recovery.attributes.group
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  generation:
    description:
      - Id of the generation, like V(pbx-berlin/kamailio/7). V(pbx-berlin/kamailio/latest) is the newest complete one
        that no restore put aside.
    type: str
    required: true
  dest:
    description:
      - The folder to write to. It is made if it is missing, its parent must exist.
      - A folder that holds something else than this generation is refused, unless O(force=true).
    type: path
    required: true
  only_items:
    description:
      - Only these items, by the names that RV(ucops.recovery.generation_info#module:generations[].gathered) has.
    type: list
    elements: str
  only_paths:
    description:
      - Only what lies at or under these paths on the source. C(*) and C(?) are wildcards.
      - Paths and registry keys of a Windows host may be written as they are there.
    type: list
    elements: str
  force:
    description:
      - Write into O(dest) whatever it holds. Files of the generation replace others of the same name. Nothing else is
        removed.
    type: bool
    default: false
seealso:
  - module: ucops.recovery.generation_info
"""

EXAMPLES = r"""
- name: Look into yesterday's dialplan
  ucops.recovery.generation_extract:
    repository: /srv/recovery
    generation: pbx-berlin/kamailio/7
    dest: /run/recovery/look
    only_paths:
      - /etc/kamailio/*.cfg
    domain_master_secret: "{{ vault_domain_master_secret }}"
    allowed_signers: allowed_signers
  delegate_to: backup1

- name: Open everything, with the offline key
  ucops.recovery.generation_extract:
    repository: /srv/recovery
    generation: pbx-berlin/kamailio/latest
    dest: /run/recovery/all
    identity_file: /media/safe/escrow.key
  delegate_to: backup1
"""

RETURN = r"""
generation:
  description: Id of the generation.
  type: str
  returned: success
dest:
  description: The folder.
  type: str
  returned: success
extracted:
  description: How many files, folders and links were written, or would be written in check mode.
  type: int
  returned: success
bytes_written:
  description: How many bytes of content were written, or would be written in check mode.
  type: int
  returned: success
skipped:
  description: What cannot be extracted, with the reason. At most 200.
  type: list
  elements: dict
  returned: success
  contains:
    path:
      description: Path on the source.
      type: str
      returned: always
    reason:
      description: Why it was left out.
      type: str
      returned: always
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ucops.recovery.plugins.module_utils._module.generation_extract import SPEC, extract_generation
from ansible_collections.ucops.recovery.plugins.module_utils._module.run import run


def main() -> None:
    module = AnsibleModule(supports_check_mode=True, **SPEC.to_kwargs())
    run(module, lambda: extract_generation(module))


if __name__ == "__main__":
    main()
