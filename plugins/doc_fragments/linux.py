# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  paths:
    description:
      - Files and folders to gather besides the system configuration.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - Name of the item in the generation. If not given, it is made of the first path.
        type: str
      data_class:
        description:
          - Which of the four kinds of data of BSI M 6.101 it is. Kinds are never mixed in a sealed object.
        type: str
        choices:
          - voip_config
          - system_config
          - logs
          - user_data
      required:
        description:
          - Without it a generation is not complete.
        type: bool
        default: true
      sensitive:
        description:
          - It is secret as a whole, and a difference never shows anything of it.
        type: bool
        default: false
      lives:
        description:
          - The services write it by themselves when they start or while they run. After a restore it is compared only
            before they start.
          - What is V(user_data) or V(logs) lives anyway.
        type: bool
        default: false
      path:
        description:
          - Absolute paths. C(*), C(?) and C([...]) are wildcards within a name.
        type: list
        elements: str
        required: true
      exclude:
        description:
          - What to leave out. With a slash the whole path is compared, C(**) goes across folders. Without one every
            name is.
        type: list
        elements: str
  commands:
    description:
      - Commands whose output is kept as a record. They must not change anything.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - Name of the item in the generation. If not given, it is made of the command.
        type: str
      data_class:
        description:
          - Which of the four kinds of data of BSI M 6.101 it is. Kinds are never mixed in a sealed object.
        type: str
        choices:
          - voip_config
          - system_config
          - logs
          - user_data
      required:
        description:
          - Without it a generation is not complete.
        type: bool
        default: true
      sensitive:
        description:
          - It is secret as a whole, and a difference never shows anything of it.
        type: bool
        default: false
      argv:
        description:
          - The command as a list of words. No shell sees it.
        type: list
        elements: str
        required: true
      sentinel:
        description:
          - What must stand in the last lines of the output, which otherwise counts as cut short.
        type: str
  system_config:
    description:
      - Gather the system configuration, which is users, network, time, kernel, firewall, ssh, services, cron, logging,
        package sources and packages.
    type: bool
    default: true
  skip:
    description:
      - Names of parts of the system configuration that are left out, such as V(package-sources).
    type: list
    elements: str
"""
