# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  change_id:
    description:
      - Number of the ticket or change that this belongs to.
    type: str
  reason:
    description:
      - Why this is done, in one sentence for the record.
    type: str
  actor:
    description:
      - Who does it.
      - If not given, the action plugin fills in the user of AWX, or else the user on the controller.
    type: str
  job:
    description:
      - The job that does it.
      - If not given, the action plugin fills in the number of the AWX job, if there is one.
    type: str
  run_id:
    description:
      - Ties together what several tasks and hosts did in one run.
    type: str
"""

    PHASE = r"""
options:
  phase:
    description:
      - On which side of a change this backup stands.
      - For V(pre_change) and V(post_change) O(change_id) is required.
    type: str
    choices:
      - scheduled
      - manual
      - pre_change
      - post_change
    default: manual
"""
