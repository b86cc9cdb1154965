#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 ucops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: repository
short_description: Create and keep a sealed backup repository
version_added: 0.1.0
author:
  - ucops contributors (@ucops)
description:
  - Creates a repository on the backup host, rotates its Domain Master Secret, and keeps its recipients, signers and
    documents as asked for.
  - The identity that opens the repository, the slot that the Domain Master Secret opens, and the keyring's signature
    are made on the
    controller. The backup host gets sealed and public files only, and makes a writer key of its own that opens nothing.
requirements:
  - cryptography >= 41.0, on the controller and on the backup host
extends_documentation_fragment:
  - ucops.recovery.repository
  - ucops.recovery.attributes
  - ucops.recovery.attributes.action
  - ucops.recovery.attributes.group
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - With O(rotate_identity=true) every run makes a new identity.
options:
  writer_key_file:
    description:
      - The writer's key file on the backup host. It is made if it is missing, and never leaves the backup host.
      - A writer key that belongs to another repository is refused.
      - The folder must exist. Keep the file outside of the repository.
    type: path
    required: true
  writer_name:
    description:
      - Name of the writer among the signers of the repository, when a writer key is made.
      - If not given, the action plugin takes the name that the backup host has in the inventory.
    type: str
  domain_master_secret:
    description:
      - The passphrase that opens the repository, at least eight characters. Weak ones are warned about.
      - It is used on the controller by the action plugin of this module and never sent to another host.
      - Exactly one of O(domain_master_secret) and O(generate_domain_master_secret_file) is required.
      - Another secret than the repository's is refused, unless O(previous_domain_master_secret) asks for a rotation.
    type: str
  generate_domain_master_secret_file:
    description:
      - Path of a file on the controller that holds the Domain Master Secret.
      - If the file is missing and a secret is needed, for a new repository or for a rotation, one of at least 128 bits
        is generated and
        written there, mode 0600. Otherwise the secret is read from it.
      - The file may be encrypted with Ansible Vault once it was written. Store the secret safely elsewhere, then remove
        the file.
    type: path
  previous_domain_master_secret:
    description:
      - The Domain Master Secret that is valid now. Its presence asks to replace it by the one in
        O(domain_master_secret) or
        O(generate_domain_master_secret_file).
      - Generations stay as they are. Of the repository only the slot changes. If the new secret is valid already,
        nothing changes.
    type: str
  rotate_identity:
    description:
      - Make a new identity and a new owner key, after the old ones may have become known. Generations from now on are
        sealed to the new
        identity, older ones stay readable with the Domain Master Secret.
    type: bool
    default: false
  recipients:
    description:
      - Further age recipients that everything is sealed to, beside the repository's own, for example an offline escrow
        key.
      - If given, it is the whole list. If not given, further recipients stay as they are.
      - What is sealed already is not sealed again. After a change the next generation of every source is stored in
        full.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - What the recipient is called.
        type: str
        required: true
      recipient:
        description:
          - The public recipient, C(age1...).
        type: str
        required: true
  signers:
    description:
      - Further signers, beside the writers that exist.
      - A signer whose key is known already gets this name and these roles. Others stay as they are, until they are
        revoked.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - What the signer is called.
        type: str
        required: true
      public_key:
        description:
          - The public Ed25519 key, C(ssh-ed25519 AAAA...).
        type: str
        required: true
      roles:
        description:
          - What the signer may sign. V(writer) signs generations and restores, V(prune) what expires, V(drill) the
            evidence of
            drills, V(journal) restores only.
        type: list
        elements: str
        choices:
          - writer
          - prune
          - drill
          - journal
        required: true
      revoked:
        description:
          - Since when the key is not trusted any more, in UTC like V(2026-01-31T12:00:00Z). What it signed before stays
            valid, by the clock of the backup host.
          - V(true) if nothing that it ever signed is to be trusted.
        type: str
        default: "false"
  recovery_card_file:
    description:
      - Path on the controller where a recovery card to print is written, as HTML or as text, by its suffix C(.html) or
        C(.txt).
      - It holds the fingerprint of the owner key, the hash of C(recover.py) and the steps of a recovery. It holds no
        secret.
    type: path
  stage:
    description:
      - Set by the action plugin; not for playbooks.
    type: str
    choices:
      - inspect
      - writer_key
      - apply
  plans:
    description:
      - Set by the action plugin; not for playbooks.
    type: list
    elements: dict
seealso:
  - module: ucops.recovery.repository_info
  - module: ucops.recovery.repository_verify
"""

EXAMPLES = r"""
- name: Create the repository, with a Domain Master Secret from the vault
  ucops.recovery.repository:
    repository: /srv/recovery
    writer_key_file: /etc/ucops/writer.json
    domain_master_secret: "{{ vault_domain_master_secret }}"
    recovery_card_file: recovery-card.html
  delegate_to: backup1
  register: created

- name: Keep outside of the repository who may sign in it
  ansible.builtin.copy:
    content: "{{ created.allowed_signers }}"
    dest: allowed_signers
    mode: "0644"
  delegate_to: localhost

- name: Create it with a generated Domain Master Secret and an escrow key in the safe
  ucops.recovery.repository:
    repository: /srv/recovery
    writer_key_file: /etc/ucops/writer.json
    generate_domain_master_secret_file: domain_master_secret.txt
    recipients:
      - name: safe
        recipient: age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p
  delegate_to: backup1

- name: Replace the Domain Master Secret
  ucops.recovery.repository:
    repository: /srv/recovery
    writer_key_file: /etc/ucops/writer.json
    previous_domain_master_secret: "{{ vault_old_domain_master_secret }}"
    domain_master_secret: "{{ vault_domain_master_secret }}"
  delegate_to: backup1
"""

RETURN = r"""
repository_id:
  description: The repository's own, random name.
  type: str
  returned: success
  sample: 6f0c9f3e5a7b4c1d8e2f3a4b5c6d7e8f
owner:
  description: The public key of the owner, which signs the keyring.
  type: str
  returned: success, except in check mode for a repository that is not there yet
  sample: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE0Oe...
owner_fingerprint:
  description: Fingerprint of the owner's key, as C(ssh-keygen -l) shows it and as it stands on the recovery card.
  type: str
  returned: success, except in check mode for a repository that is not there yet
  sample: SHA256:yPk0bGk4iuF6c0hcOOrjA0fU0jqbd6bUBl7tIUgYzrA
recipients:
  description: Everybody that new generations are sealed to.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: What the recipient is called.
      type: str
      returned: always
    recipient:
      description: The public recipient.
      type: str
      returned: always
    kind:
      description: V(restore) for the repository's own, V(further) for others.
      type: str
      returned: always
signers:
  description: Everybody that may sign.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: What the signer is called.
      type: str
      returned: always
    public_key:
      description: The public key.
      type: str
      returned: always
    roles:
      description: What the signer may do.
      type: list
      elements: str
      returned: always
    revoked:
      description: Since when the key is not trusted any more. V(true) if nothing of it is, V(false) if all is.
      type: str
      returned: always
slots:
  description: The ids of the slots that the Domain Master Secret opens. There is one, but after an interrupted
    rotation.
  type: list
  elements: str
  returned: success
allowed_signers:
  description: The owner and all signers in the format of C(ssh-keygen)'s allowed signers file. Keep it outside of the
    repository.
  type: str
  returned: success, except in check mode for a repository that is not there yet
writer:
  description: The writer key of the backup host.
  type: dict
  returned: success
  contains:
    name:
      description: Its name among the signers.
      type: str
      returned: always
    public_key:
      description: Its public key, empty in check mode when there is none yet.
      type: str
      returned: always
actions:
  description: What was done to the repository, or would be done in check mode, step by step.
  type: list
  elements: str
  returned: success
secret_warnings:
  description: What speaks against the Domain Master Secret.
  type: list
  elements: str
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ucops.recovery.plugins.module_utils._module.repository import SPEC, keep_repository
from ansible_collections.ucops.recovery.plugins.module_utils._module.run import run


def main() -> None:
    module = AnsibleModule(supports_check_mode=True, **SPEC.to_kwargs())
    run(module, lambda: keep_repository(module))


if __name__ == "__main__":
    main()
