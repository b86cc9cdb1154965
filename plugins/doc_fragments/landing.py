# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  landing:
    description:
      - The folder with the landing zones of all sources, on the host that runs this module. The one of a source is the
        folder of its name in there, with C(incoming) and C(taken) in it. The role C(ucops.recovery.backup_host)
        sets them up.
    type: path
  patterns:
    description:
      - Which files are taken. A pattern without a slash is held against each name, one with a slash against the whole
        path below C(incoming).
    type: list
    elements: str
    default:
      - "*"
  exclude:
    description:
      - Which files are never taken. By default what programs call a file that they have not finished.
    type: list
    elements: str
    default:
      - ".*"
      - "*~"
      - "*.part"
      - "*.partial"
      - "*.filepart"
      - "*.tmp"
      - "*.temp"
      - "*.crdownload"
  group_by:
    description:
      - Which files belong together and become one generation. It is taken when all of them are stable.
      - V(file) takes each alone, V(folder) those of one folder, V(all) all of them.
      - V(pattern) takes those of which O(group_pattern) finds the same.
      - V(cucm) takes a C(*_drfComponent.xml) of Cisco's Disaster Recovery System with every part that it names, and
        waits until all are there.
    type: str
    choices:
      - file
      - folder
      - all
      - pattern
      - cucm
    default: file
  group_pattern:
    description:
      - A regular expression with a group. Files whose path below C(incoming) gives the same group belong together.
    type: str
  polls:
    description:
      - A file is stable when this many looks in a row found it unchanged.
    type: int
    default: 3
  poll_interval:
    description:
      - Seconds between two looks.
    type: int
    default: 20
  quiet_period:
    description:
      - A file is stable when nothing touched it for this many seconds, by the clock of the host that runs this module.
        What the sender says of times is never believed.
      - Take 120 for what comes by NFS, whose clients write late.
    type: int
    default: 60
  wait_timeout:
    description:
      - Seconds to wait for a backup to arrive and become stable. With V(0) only what lies there is taken.
    type: int
    default: 900
  max_size:
    description:
      - Larger files are refused, in bytes.
    type: int
    default: 1099511627776
  ignore_writers:
    description:
      - A file that a process has open for writing is not stable. Names of programs for which that does not count, as
        the kernel knows them.
      - The NFS server V(ganesha.nfsd) keeps files open long after its clients have closed them, so name it where files
        come by NFS. The quiet period decides then.
    type: list
    elements: str
    default: []
  expected_every:
    description:
      - How often a new backup is expected, like V(24h) or V(7d). When the last good one is older than this and
        O(grace), the task fails and names it.
      - Without it the task fails whenever nothing came.
    type: str
  grace:
    description:
      - How late a backup may be.
    type: str
    default: 1h
  accept_repeated:
    description:
      - Contents that a generation of this source already holds are no new backup by default, so a product that pushes
        its old file again and again becomes overdue. With V(true) they are one, for products whose files stay the same
        as long as nothing changes.
      - In the phases V(pre_change) and V(post_change) they always are one.
    type: bool
    default: false
  after:
    description:
      - What becomes of files once they are in the repository.
      - V(keep) puts them back, read-only, so that people and the browser of an appliance see them; O(keep) says how
        many.
      - By default V(remove) for what a product pushed, and V(keep) for a file that a person downloaded.
    type: str
    choices:
      - remove
      - keep
  keep:
    description:
      - With O(after=keep) this many backups stay, older ones are removed. Nothing is ever removed that is not in the
        repository.
    type: int
    default: 5
"""

    ARRIVAL = r"""
options:
  received_after:
    description:
      - A time in UTC like V(2026-01-31T22:00:00Z). What arrived before it is taken in, but as a V(scheduled) generation
        of no change, and something newer is waited for. For a backup that has to be made after a change was opened.
      - It is held against the time of receipt by the clock of the host that runs this module.
    type: str
"""
