#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 ucops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight_info
short_description: See whether a host could be backed up, and how much that would be
version_added: 0.2.0
author:
  - ucops contributors (@ucops)
description:
  - Goes the way of C(<product>_backup) with the code of a backup, and stops where that would stop. Nothing is written
    on the host, no dump, shadow copy or backup is started, and no service is stopped. What the host itself notes of
    every login (its logs) it notes of this one too.
  - The host shows first who it is. With a host key or certificate that is not known nobody logs in, and its
    fingerprint is returned to be compared by a person.
  - Then come login, sudo, product and release, whether the repository lies on the host itself, and for every item
    how much there is and what could not be read. The repository and its reserve are looked at too.
  - Files are listed and not read. On a Windows host each file is opened, and the registry is read as C(reg query)
    prints it, since an export would need a file there. What users have in the registry who are not logged on is not
    looked at.
  - A host that is not ready is a result and does not fail the task, see RV(ready).
requirements:
  - cryptography >= 41.0
  - zstandard >= 0.19
  - what C(<product>_backup) requires
extends_documentation_fragment:
  - ucops.recovery.attributes
  - ucops.recovery.attributes.info
  - ucops.recovery.attributes.action
  - ucops.recovery.attributes.group
options:
  product:
    description:
      - The product, as in the name of the module that backs it up.
    type: str
    required: true
    choices:
      - ad_attributes
      - ecsta
      - ejbca_configdump
      - kamailio
      - keyfactor_appliance
      - linux
      - metadirectory
      - mssql
      - procall_client
      - procall_server
      - pushed
      - starface
      - windows
  options:
    description:
      - The options that C(<product>_backup) is going to get, judged as it judges them.
      - What opens the repository is left on the controller, as everywhere.
    type: dict
    required: true
seealso:
  - module: ucops.recovery.repository_info
"""

EXAMPLES = r"""
- name: See whether the telephone system could be backed up
  ucops.recovery.preflight_info:
    product: kamailio
    options:
      repository: /srv/recovery
      writer_key_file: /etc/ucops/writer.json
      source: "{{ inventory_hostname }}"
      host: "{{ ansible_host }}"
      username: ucops
      private_key_file: /etc/ucops/id_ed25519
      known_hosts_file: /etc/ucops/known_hosts
      become: true
  delegate_to: backup1
  register: preflight
"""

RETURN = r"""
ready:
  description: Whether a backup would be complete, by all that can be seen without making one.
  type: bool
  returned: success
problem:
  description: What is not ready, in one line. Empty when everything is.
  type: str
  returned: success
source:
  description: The name under which the host would be kept.
  type: str
  returned: success
host:
  description: Where it is.
  type: str
  returned: success
product:
  description: The product.
  type: str
  returned: success
instance:
  description: The instance. Empty when there is only one.
  type: str
  returned: success
connection:
  description: The kind of connection, such as V(ssh) or V(windows).
  type: str
  returned: success
release:
  description: The release of the product that was found. Empty when nobody could look.
  type: str
  returned: success
checks:
  description: The steps in their order, up to the one that stopped it. V(repository), V(identity), V(login), V(sudo),
    V(product), V(independence), V(contents), V(options), V(landing zone).
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: The step.
      type: str
      returned: always
    ok:
      description: Whether it went well.
      type: bool
      returned: always
    detail:
      description: What was seen, or what is wrong and what to do.
      type: str
      returned: always
shown:
  description: What the host showed of itself before anybody logged in. Nothing of it is made known to anybody.
  type: list
  elements: dict
  returned: success
  contains:
    kind:
      description: V(ssh_host_key) or V(certificate).
      type: str
      returned: always
    host:
      description: The host, or its jump host.
      type: str
      returned: always
    port:
      description: The port.
      type: int
      returned: always
    fingerprint:
      description: The fingerprint, SHA-256, written as OpenSSH or OpenSSL write it.
      type: str
      returned: always
    believed:
      description: Whether it is known to be the host's, by O(options) or by who signed it.
      type: bool
      returned: always
    doubt:
      description: Why it is not believed.
      type: str
      returned: always
    text:
      description: The key as it stands in a C(known_hosts) file behind the name, or the certificate as PEM.
      type: str
      returned: always
contents:
  description: Every item, as far as it was looked at.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: The item.
      type: str
      returned: always
    data_class:
      description: Its data class.
      type: str
      returned: always
    required:
      description: Whether the product demands it.
      type: bool
      returned: always
    found:
      description: Whether anything of it is there.
      type: bool
      returned: always
    entries:
      description: How many files, folders, keys and so on it has.
      type: int
      returned: always
    bytes:
      description: How much it is. Null when only a backup can tell, such as of a dump.
      type: int
      returned: always
    problems:
      description: The first of what could not be read.
      type: list
      elements: dict
      returned: always
      contains:
        path:
          description: The path on the host. Empty when the item as a whole is meant.
          type: str
          returned: always
        message:
          description: What is wrong.
          type: str
          returned: always
    problems_total:
      description: How many there are.
      type: int
      returned: always
entries:
  description: Entries of all items.
  type: int
  returned: success
bytes:
  description: Bytes of all items that could be measured. Null when none could.
  type: int
  returned: success
not_measured:
  description: Items that are there and of which only a backup tells how much they are.
  type: list
  elements: str
  returned: success
missing:
  description: Items that the contract would miss.
  type: list
  elements: str
  returned: success
needs:
  description: Backups of other products that a backup of this one demands of the same run, like V(sql1/mssql@CHAT).
  type: list
  elements: str
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ucops.recovery.plugins.module_utils._module.preflight_info import (
    SPEC,
    look_before_the_first_backup,
)
from ansible_collections.ucops.recovery.plugins.module_utils._module.run import run


def main() -> None:
    # Before it is known what of the options is secret, nothing of them may stand in the host's log.
    module = AnsibleModule(supports_check_mode=True, no_log=True, **SPEC.to_kwargs())
    run(module, lambda: look_before_the_first_backup(module))


if __name__ == "__main__":
    main()
