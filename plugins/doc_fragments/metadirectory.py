# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  services:
    description:
      - Its services in the order in which they are stopped, when they cannot be discovered. They are found as those
        that run from its folder. When none is found the backup is partial; an empty list says that there is none.
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
      - If not given, the database is read as with V(auto), unless O(stop_services_for_backup) is set, and the other
        folders as with V(never).
    type: str
    choices:
      - never
      - auto
      - required
  stop_services_for_backup:
    description:
      - Stop the services while a backup gathers, for what has no other way to be consistent.
    type: bool
    default: false
  root:
    description:
      - Folder in which it is installed, when it cannot be discovered.
    type: str
  exclude:
    description:
      - What to leave out of its folders.
    type: list
    elements: str
  paths:
    description:
      - More files and folders that belong to it.
    type: list
    elements: str
"""
