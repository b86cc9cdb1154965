# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  max_age:
    description:
      - With O(change_id), a complete generation of the same change, phase, source, product and instance that is not
        older than this, like V(4h) or V(1d), is returned and no new one is made. The host is not reached for it. So a
        run can be repeated, and touches only what is missing.
      - Every byte that the generation needs is read and hashed. One that is damaged is not reused, and the new one
        stores everything anew.
      - A new generation of the phase V(pre_change) takes the place of none that is only too old, and is not made once
        there is a complete one of the phase V(post_change) of the same change. The change may have begun, and what is
        there now would stand for what was there before it. That is an error, unless O(force) is given.
      - By default, and without O(change_id), every run makes a generation.
    type: str
  force:
    description:
      - Make a generation even though O(max_age) would let one be reused.
    type: bool
    default: false
  accept_shrunken:
    description:
      - Items that are known to be much smaller than before, or gone. Without this they make the generation partial.
    type: list
    elements: str
    default: []
  companions:
    description:
      - Backups of the same host that others make, such as the snapshot of a virtual machine that a vendor prefers.
      - They are recorded in the sealed part of the generation and shown with it. Nobody checks that they exist.
    type: list
    elements: dict
    default: []
    suboptions:
      kind:
        description:
          - What it is.
        type: str
        required: true
        choices:
          - vm_snapshot
          - disk_image
          - disk_mirror
          - other
      reference:
        description:
          - How it is found, such as the name of the snapshot and of who keeps it.
        type: str
        required: true
      taken_at:
        description:
          - When it was taken, like V(2026-01-31T22:00:00Z). What is another time in every run makes the sealed part new
            in every run.
        type: str
  companions_elsewhere:
    description:
      - Companions that the product demands and that are backed up elsewhere, by a database team for example. They are
        not looked for in the repository then. This is recorded.
    type: list
    elements: dict
    default: []
    suboptions:
      companion:
        description:
          - Its product, or its full name as the error calls it, like V(mssql) or V(mssql@CHAT).
        type: str
        required: true
      reason:
        description:
          - Who looks after it, or why it is not needed, in one sentence for the record.
        type: str
        required: true
  reserve:
    description:
      - Bytes that are to stay free on the volume of the repository. With less, no backup begins. What a restore writes
        is never refused.
      - By default what the role P(ucops.recovery.backup_host#role) noted on this host for O(repository), or nothing
        where it did not.
    type: int
  allow_same_host:
    description:
      - Whether the repository may lie on the very host that is backed up. That is seen by its machine id and by its
        running kernel. V(true) is for a demonstration on one machine, and is recorded.
      - V(false) refuses it, and is what the playbooks say. When not given, it is a finding of the grade V(high).
    type: bool
"""

    COUNTING = r"""
options:
  only_counters:
    description:
      - Look only how much of its work the host does now. Nothing is backed up, and the result is C(counters) alone.
    type: bool
    default: false
"""
