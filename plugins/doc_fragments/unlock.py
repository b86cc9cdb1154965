# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  domain_master_secret:
    description:
      - The passphrase that opens the repository.
      - It is used on the controller by the action plugin of this module and never sent to another host. The backup host
        only gets the keys of those objects that it asks for, in memory. For that, pipelining has to be on for
        the
        backup host (C(ansible_pipelining=true)), otherwise Ansible would write these keys to a temporary file there.
      - Give at most one of O(domain_master_secret), O(identity) and O(identity_file).
    type: str
  identity:
    description:
      - An age identity (C(AGE-SECRET-KEY-1...)) that opens the repository, for example of an offline recipient.
      - It stays on the controller, as O(domain_master_secret) does.
    type: str
  identity_file:
    description:
      - Path of an age identity file on the controller.
      - It stays on the controller, as O(domain_master_secret) does.
    type: path
  unseal_stage:
    description:
      - Set by the action plugin; not for playbooks.
    type: str
    choices:
      - request
      - open
  file_keys:
    description:
      - Set by the action plugin; not for playbooks.
    type: dict
"""
