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
  target_release:
    description:
      - The release of the product that the change is going to install. Only with O(phase=pre_change).
      - It is recorded in the generation, together with O(release_notes_reviewed), and stands in its reason.
    type: str
  release_notes_reviewed:
    description:
      - That somebody read what the vendor says of the release, as BSI M 6.101 demands. An older configuration may not
        be accepted by it.
    type: dict
    suboptions:
      where:
        description:
          - Where the vendor's notes are, such as their address.
        type: str
        required: true
      by:
        description:
          - Who read them.
        type: str
        required: true
      at:
        description:
          - When, like V(2026-01-31).
        type: str
        required: true
"""
