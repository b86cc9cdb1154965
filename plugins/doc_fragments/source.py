# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  source:
    description:
      - The name under which the host is kept in the repository, normally its inventory name. It should outlive
        addresses.
    type: str
    required: true
  host:
    description:
      - The network address of the host today.
      - If not given, O(source) is used.
    type: str
  instance:
    description:
      - Tells several instances of one product on one host apart.
    type: str
    default: ""
"""
