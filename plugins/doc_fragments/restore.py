# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  generation:
    description:
      - Which generation to put back.
      - V(latest) is the newest complete one of this source, leaving out what earlier restores put aside.
      - V(newest) is the newest of all, complete or not.
      - V(pre_change) and V(post_change) are the current complete ones of O(change_id).
      - A number is that generation of this source; an id like V(pbx-berlin/kamailio/7) says it in full.
    type: str
    default: latest
  only_items:
    description:
      - Put back only these items.
    type: list
    elements: str
    default: []
  only_paths:
    description:
      - Put back only what lies at or under these paths. C(*) and C(?) are wildcards.
      - Paths and registry keys of a Windows host may be written as they are there.
      - A hardlink whose other name is not among them becomes a file of its own.
    type: list
    elements: str
  pre_restore:
    description:
      - Whether a generation is made of the host as it is now, to go back to when the restore fails.
      - V(required) refuses to begin when that is not possible. What is simply gone from the host does not count.
      - V(best_effort) goes on without, V(skip) does not try.
      - Where the record of the newest generation is damaged none can be made, since nothing can follow it. An older one
        that is named by its number can be restored nevertheless, with V(best_effort) or V(skip).
    type: str
    choices:
      - required
      - best_effort
      - skip
    default: required
  allow_different_host:
    description:
      - Put the generation on another host than it comes from, such as a replacement.
    type: bool
    default: false
  allow_version_mismatch:
    description:
      - Put the generation on another release of the product than it comes from.
    type: bool
    default: false
  step:
    description:
      - How much of it to do.
      - V(restore) does all of it.
      - V(plan) only holds the host against the generation, and touches nothing. Other than check mode it dumps
        databases to compare them. What would be refused now because a partner runs is a warning.
      - V(stop) stops the services of the product and leaves them stopped, for the sake of another host that is restored
        first, such as the database. The journal keeps that open until a restore or V(start) ends it. With O(drill) it
        stops what the drill started, for good, and the journal says nothing of it.
      - V(start) starts them again when no restore is to follow.
    type: str
    choices:
      - restore
      - plan
      - stop
      - start
    default: restore
  expected:
    description:
      - What the host is known to be like now, named as O(generation) is, mostly V(post_change).
      - What differs from both came later and would be lost. It is listed in RV(plan.losses), and the restore is refused
        unless O(confirm_losses) is set.
      - If there is no complete C(post_change) generation of O(change_id), everything that differs counts as lost.
    type: str
  confirm_losses:
    description:
      - Restore although that loses what came after O(expected).
    type: bool
    default: false
  drill:
    description:
      - This is a restore drill. The host MUST be another one than the production host. What is not known refuses.
      - O(source) is the name of the target then, and O(generation) the full id. The journal names the target, so the
        production host's backups know nothing of it.
      - Machine id, product UUID, serial number, domain SID and network cards are compared with what the generation
        recorded, address and SSH host key with those given here. A Windows host shows no SSH host key; its machine id
        is the C(MachineGuid).
      - Checks run also where nothing had to be written.
    type: dict
    suboptions:
      production_host:
        description:
          - Address of the production host.
        type: str
        required: true
      production_port:
        description:
          - Its port for SSH. Hosts that are reached by something else are told apart by their address alone.
        type: int
        default: 22
      production_host_key:
        description:
          - Its SSH host key, as C(host_key) is written.
        type: str
      production_known_hosts_file:
        description:
          - File on the backup host that knows its SSH host key. By default it is the one that knows the target's.
        type: path
      unreachable:
        description:
          - Addresses that the target must not reach, such as V(192.0.2.1) or V(192.0.2.1:5061), the production
            trunks. The target tries each with TCP and with SIP OPTIONS over UDP. A refusal counts as reached.
          - A Unix host needs C(bash) for that, a Windows host Windows PowerShell 5.1. What cannot try refuses.
        type: list
        elements: str
        default: []
      accept_reachable:
        description:
          - Why it does not matter what the target reaches, for the record. Without it and without O(drill.unreachable)
            a drill is refused.
        type: str
      shares_hardware:
        description:
          - The target shows the product UUID and serial number of the production host, because both are containers on
            one machine. They are not compared then.
        type: bool
        default: false
"""
