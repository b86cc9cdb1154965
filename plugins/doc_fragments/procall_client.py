# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  users:
    description:
      - Whose settings are gathered, by name or SID. If not given, those of all profiles of the host.
    type: list
    elements: str
  folders:
    description:
      - Folders below C(%APPDATA%) of each user. C(*) and C(?) are wildcards. By default V(estos\\ProCall *).
    type: list
    elements: str
  machine_keys:
    description:
      - Registry keys of the host. By default what the vendor names,
        V(HKEY_LOCAL_MACHINE\\SOFTWARE\\WOW6432Node\\ESTOS\\UCServer4\\Client). A client that is sold under another name
        has another key.
    type: list
    elements: str
  user_keys:
    description:
      - Registry keys of each user. By default what the vendor names,
        V(HKEY_CURRENT_USER\\SOFTWARE\\ESTOS\\UCServer4\\Client).
    type: list
    elements: str
  client_programs:
    description:
      - A restore is refused while one of these programs runs. By default V(ECtiClient.exe).
    type: list
    elements: str
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
"""
