# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  licences:
    description:
      - Licence keys that stand nowhere on the machine, to be kept with the others in the sealed part.
    type: list
    elements: str
  licence_values:
    description:
      - Where more licence keys stand, as a registry key and the name of a value behind a backslash, or as a file and an
        XML element or attribute behind C(#).
    type: list
    elements: str
"""
