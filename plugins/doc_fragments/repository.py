# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  repository:
    description:
      - Folder of the repository on the backup host, on a local disk or a mounted network volume.
    type: path
    required: true
"""

    WRITER = r"""
options:
  writer_key_file:
    description:
      - The writer's key file on the backup host, made by M(ucops.recovery.repository).
      - It signs generations and finds out what has changed. It opens nothing.
    type: path
    required: true
"""
