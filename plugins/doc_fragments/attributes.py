# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying anything.
  diff_mode:
    description: Will return details on what has changed, or would change in C(check_mode), when in diff mode.
  idempotent:
    description:
      - When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
      - This assumes that the systems and the repository have not changed in a relevant way in between.
"""

    INFO = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - This action does not modify state.
  diff_mode:
    support: N/A
    details:
      - This action does not modify state.
  idempotent:
    support: full
    details:
      - This action does not modify state.
"""

    BACKING_UP = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - Connects, reads and compares, but starts no dump, stops no service and writes nothing.
  diff_mode:
    support: full
    details:
      - Shows the masked difference to the generation before. That needs something that opens the repository; without
        it the changed items are still named.
  idempotent:
    support: full
    details:
      - A run in which nothing changed adds a small commit record as proof and reports no change.
"""

    RESTORING = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - Looks at the host, holds it against the generation and every condition, and shows the plan. It starts no dump,
        so databases are listed as not compared.
  diff_mode:
    support: full
    details:
      - Shows the plan as text.
  idempotent:
    support: full
    details:
      - What already is as it should be is not touched.
"""

    ACTION = r"""
options: {}
attributes:
  action:
    description: Indicates this has a corresponding action plugin so some parts of the options can be executed on the
      controller.
    support: full
    details:
      - Whatever opens the repository is used on the controller only. Modules that do not need it ignore it, so that it
        can stand in the defaults of the action group, together with what is to be trusted.
  async:
    description: Supports being used with the C(async) keyword.
    support: none
    details:
      - The action plugin waits for its module.
"""

    GROUP = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/ucops.recovery.recovery) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - ucops.recovery.recovery
"""
