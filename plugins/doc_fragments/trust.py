# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  allowed_signers:
    description:
      - Who may sign what in this repository, in the format of C(ssh-keygen)'s allowed signers file, as the return value
        C(allowed_signers) of M(ucops.recovery.repository) gives it.
      - Either the text itself, or the path of a file on the controller.
      - Keep it outside of the repository. Without it nobody can tell a repository from a well-made replacement.
    type: str
  expected_heads:
    description:
      - The newest known head of each source and product, as a dictionary from names like V(pbx-berlin/kamailio) to
        heads, or the path of a JSON file with such a dictionary on the controller.
      - Every backup returns the head of what it wrote. With the heads kept elsewhere it is noticed when a repository is
        rolled back to an older state.
      - The head of every line that is read is looked for, also where a generation of one host is restored to
        another one.
    type: raw
"""
