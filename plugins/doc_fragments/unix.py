# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  root:
    description:
      - The folder that counts as C(/) on the target, for systems in a container, in a chroot or on a mounted disk.
    type: str
    default: /
  services:
    description:
      - The services that are stopped for a restore, in this order, and started in the reverse one.
      - By default there are none, and of Kamailio V(kamailio).
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - Name of the service, as systemd or C(/etc/init.d) knows it.
        type: str
        required: true
      start:
        description:
          - The command that starts it, where neither systemd nor C(/etc/init.d) knows it. Goes with O(services[].stop)
            and O(services[].status).
        type: list
        elements: str
      stop:
        description:
          - The command that stops it.
        type: list
        elements: str
      status:
        description:
          - The command that ends with 0 while it runs.
        type: list
        elements: str
  start_command:
    description:
      - The same as O(services[].start), when there is one service only.
    type: list
    elements: str
  stop_command:
    description:
      - The same as O(services[].stop), when there is one service only.
    type: list
    elements: str
  status_command:
    description:
      - The same as O(services[].status), when there is one service only.
    type: list
    elements: str
  stop_services_for_backup:
    description:
      - Stop the services while a backup gathers, for what has no other way to be consistent.
    type: bool
    default: false
  reread_days:
    description:
      - After how many days a large file (256 KiB and more) is read again that nobody wrote to.
      - Until then a backup takes it as it was read, and does not ask the host for its content, as long as its device,
        inode, size and both of its times, of the content (mtime) and of the inode (ctime), are the same. Smaller files
        are read each time.
      - What somebody touched within the last minute is read again in any case, and so is what has several names
        (hardlinks), what came in a generation that is not complete, and everything before a restore.
      - With V(0) everything is read each time.
    type: int
    default: 7
  counters:
    description:
      - What else is counted of the host's work at every backup, and again after a change, such as registered telephones
        or trunks that are up. What cannot be counted is left out.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - What is counted, in small letters, digits and C(_).
        type: str
        required: true
      argv:
        description:
          - The command that is asked, as a list of words. It must not change anything. No shell sees it.
        type: list
        elements: str
        required: true
      pattern:
        description:
          - A regular expression for what it says. With a group, the number in it is the count, at its first match.
            Without one, the matches are counted. C(^) and C($) are the ends of a line.
        type: str
        required: true
"""
