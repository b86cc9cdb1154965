#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 ucops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: starface_info
short_description: Show what a STARFACE says of its backups
version_added: 0.1.0
author:
  - ucops contributors (@ucops)
description:
  - Asks the status service that the module Monitoring of Fluxpunkt adds to an appliance, and judges each storage place
    that is declared, for itself. What it says of others is ignored, and a code that is not known is a failure.
  - With O(username) and O(password) it also asks the REST interface for the version, for whether it makes backups, and
    for calls.
  - Changes nothing, and a bad verdict does not fail the task.
requirements:
  - requests >= 2.28, for REST
extends_documentation_fragment:
  - ucops.recovery.source
  - ucops.recovery.https
  - ucops.recovery.landing
  - ucops.recovery.starface.connection
  - ucops.recovery.attributes
  - ucops.recovery.attributes.info
  - ucops.recovery.attributes.action
  - ucops.recovery.attributes.group
options:
  targets:
    description:
      - The storage places that are judged, as in M(ucops.recovery.starface_config).
    type: list
    elements: dict
    suboptions:
      kind:
        description:
          - The storage place, which is the appliance's own disk, a Windows share, SFTP, Dropbox, a USB stick or mail.
        type: str
        required: true
        choices:
          - local_disk
          - windows_share
          - sftp
          - dropbox
          - usb
          - mail
      username:
        description:
          - User name as the server of a Windows share or of SFTP expects it, such as V(LAB\\pbx).
        type: str
      password:
        description:
          - Its password. It is looked at for what the appliance cannot take, and returned nowhere. It may be left out.
        type: str
      kept_at:
        description:
          - Where who fills in the wizard finds the password, or the key that Dropbox confirms with.
        type: str
      server:
        description:
          - IPv4 address of the server of a Windows share or of SFTP.
        type: str
      share:
        description:
          - Name of the Windows share, with subdirectories behind C(/).
        type: str
      security:
        description:
          - How the Windows share is logged in to. The vendor recommends V(ntlmsspi).
        type: str
        choices:
          - none
          - krb5
          - krb5i
          - ntlm
          - ntlmi
          - ntlmv2
          - ntlmv2i
          - ntlmssp
          - ntlmsspi
      path:
        description:
          - Path for SFTP, absolute, or a dot for the current folder.
        type: str
      addresses:
        description:
          - To whom the file is mailed.
        type: list
        elements: str
  status_port:
    description:
      - Port of the status service. It answers anybody, so let a firewall keep it to the backup host.
    type: int
    default: 6556
  status_timeout:
    description:
      - Seconds that its answer may take.
    type: int
    default: 30
  max_age:
    description:
      - A success older than this is a failure, as in V(90m), V(26h), V(8d).
    type: str
    default: 26h
  ask_status:
    description:
      - Whether the status service is asked at all.
    type: bool
    default: true
seealso:
  - module: ucops.recovery.starface_backup
"""

EXAMPLES = r"""
- name: Ask what the appliance says of the backups to SFTP
  ucops.recovery.starface_info:
    source: "{{ inventory_hostname }}"
    host: "{{ ansible_host }}"
    targets:
      - kind: sftp
        server: 192.0.2.9
        path: /files
    max_age: 26h
  delegate_to: backup1
  register: said

- name: Demand that they are well
  ansible.builtin.assert:
    that: said.ok
"""

RETURN = r"""
ok:
  description: Whether all storage places that are declared are well. Null when none is declared or nobody was asked.
  type: bool
  returned: success
version:
  description: The appliance's version, empty when nobody tells it.
  type: str
  returned: success
verdicts:
  description: One for each storage place that is declared.
  type: list
  elements: dict
  returned: success
  contains:
    target:
      description: The storage place.
      type: str
      returned: always
    ok:
      description: Whether its last backup succeeded and is not too old. Null when nobody can tell.
      type: bool
      returned: always
    code:
      description: What the appliance says of the last one, such as V(successful), V(mountfail) or V(sftpRightProblem).
      type: str
      returned: always
    age:
      description: Seconds since then by the appliance's clock. Null without a backup.
      type: float
      returned: always
    text:
      description: The verdict in one sentence.
      type: str
      returned: always
rows:
  description: All that the service says, also of storage places that are not used any more.
  type: list
  elements: dict
  returned: success
  contains:
    target:
      description: The storage place as the service calls it.
      type: str
      returned: always
    at:
      description: Seconds since the epoch, by the appliance's clock.
      type: int
      returned: always
    code:
      description: Its code.
      type: str
      returned: always
    text:
      description: The code in words.
      type: str
      returned: always
rest:
  description: What the REST interface says. Null when no login for it is given.
  type: dict
  returned: success
  contains:
    version:
      description: The appliance's version.
      type: str
      returned: always
    backups:
      description: Whether it makes backups by REST.
      type: bool
      returned: always
    active_calls:
      description: How many calls there are now. Null when it does not tell.
      type: int
      returned: always
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ucops.recovery.plugins.module_utils._module.run import run
from ansible_collections.ucops.recovery.plugins.module_utils._module.starface_info import SPEC, look_at_starface


def main() -> None:
    module = AnsibleModule(supports_check_mode=True, **SPEC.to_kwargs())
    run(module, lambda: look_at_starface(module))


if __name__ == "__main__":
    main()
