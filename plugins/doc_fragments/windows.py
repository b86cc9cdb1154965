# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  services:
    description:
      - Names of services, not what the list of services shows. Their definitions are gathered, and for a restore they
        are stopped in this order and started in the reverse one.
    type: list
    elements: str
  service_passwords:
    description:
      - Passwords of the accounts that services run as, by account or by service. No host gives them back, so a restore
        of a service definition needs them.
      - They reach the host as the input of a program, never on a command line or in a file.
    type: dict
  shadow_copy:
    description:
      - Whether files are read from a shadow copy of their volume, as they were at one moment.
      - V(auto) takes one where the host makes one, V(required) fails without one.
    type: str
    choices:
      - never
      - auto
      - required
    default: never
  stop_services_for_backup:
    description:
      - Stop the services while a backup gathers, for what has no other way to be consistent.
    type: bool
    default: false
  paths:
    description:
      - Files and folders to gather.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - Name of the item in the generation. If not given, it is made of the first entry.
        type: str
      data_class:
        description:
          - Which of the four kinds of data of BSI M 6.101 it is. Kinds are never mixed in a sealed object.
        type: str
        choices:
          - voip_config
          - system_config
          - logs
          - user_data
      required:
        description:
          - Without it a generation is not complete. That means each path that has no wildcard.
        type: bool
        default: true
      sensitive:
        description:
          - It is secret as a whole, and a difference never shows anything of it.
        type: bool
        default: false
      lives:
        description:
          - The services write it by themselves when they start or while they run. After a restore it is compared only
            before they start.
          - What is V(user_data) or V(logs) lives anyway.
        type: bool
        default: false
      path:
        description:
          - Absolute paths, like V(C:\\Program Files\\Example). C(*) and C(?) are wildcards within a name.
        type: list
        elements: str
        required: true
      exclude:
        description:
          - What to leave out, in the same way. Without a backslash every name is compared.
        type: list
        elements: str
  registry:
    description:
      - Registry keys to gather, with all that is below them.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - Name of the item in the generation. If not given, it is made of the first entry.
        type: str
      data_class:
        description:
          - Which of the four kinds of data of BSI M 6.101 it is. Kinds are never mixed in a sealed object.
        type: str
        choices:
          - voip_config
          - system_config
          - logs
          - user_data
      required:
        description:
          - Without it a generation is not complete. That means each key that has no wildcard.
        type: bool
        default: true
      sensitive:
        description:
          - It is secret as a whole, and a difference never shows anything of it.
        type: bool
        default: false
      lives:
        description:
          - The services write it by themselves when they start or while they run. After a restore it is compared only
            before they start.
          - What is V(user_data) or V(logs) lives anyway.
        type: bool
        default: false
      key:
        description:
          - Keys, like V(HKEY_LOCAL_MACHINE\\SOFTWARE\\Example). C(*) is a wildcard in the last name only. The view for
            32 bit programs is named by its own path with C(WOW6432Node).
          - A key in C(HKEY_CURRENT_USER) is gathered of each user, also of those who are not logged on.
        type: list
        elements: str
        required: true
      users:
        description:
          - Of which users keys in C(HKEY_CURRENT_USER) are gathered, by name or SID. If not given, of all.
        type: list
        elements: str
"""
