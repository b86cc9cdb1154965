# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  keys:
    description:
      - Registry keys in which the drivers keep their configuration. By default all of C(ECSTA*) below
        C(SOFTWARE\ESTOS), in the views for 64 bit and for 32 bit programs.
      - One without a wildcard is demanded.
    type: list
    elements: str
  services:
    description:
      - Services that are stopped for a restore and started after it, so that they read what was put back.
    type: list
    elements: str
"""
