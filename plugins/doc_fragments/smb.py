# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  smb_port:
    description:
      - Port of SMB.
    type: int
    default: 445
  smb_shares:
    description:
      - The share that leads to a drive, by drive letter, such as C(backup$) for C(D).
      - By default the administrative one, which is C(C$) for C(C).
    type: dict
"""
