# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  base_dns:
    description:
      - Where objects are looked for, as distinguished names like V(OU=Sales,DC=lab,DC=example). If not given, in the
        whole domain.
    type: list
    elements: str
  object_kinds:
    description:
      - Which kinds of objects. If not given, all.
    type: list
    elements: str
    choices:
      - users
      - groups
      - computers
  extension_name:
    description:
      - Gather the values of C(extensionName) that are those of UCServer. Other applications have theirs in the same
        attribute, and they are never touched.
    type: bool
    default: true
  extension_name_pattern:
    description:
      - A regular expression that matches the beginning of the values that are those of UCServer. By default a number
        and a comma.
    type: str
  proxy_addresses:
    description:
      - Gather the values of C(proxyAddresses) that are SIP addresses. The others are those of a mail server, and they
        are never touched.
    type: bool
    default: true
  proxy_address_pattern:
    description:
      - A regular expression that matches the beginning of the values that are those of UCServer. They are put back
        exactly.
      - If not given, all SIP addresses are gathered, and a restore only adds those that are missing. It removes none
        but those that its generation holds (of another object, say), since Teams, Skype for Business and others write
        some too.
    type: str
  schema_prefix:
    description:
      - How the names of the attributes of the schema extension begin. All that the schema knows are gathered.
    type: str
    default: ectisrv3
  phone_attributes:
    description:
      - Standard attributes that UCServer is set to write, to be gathered of the objects that have data of it.
    type: list
    elements: str
    choices:
      - facsimileTelephoneNumber
      - homePhone
      - ipPhone
      - mobile
      - otherFacsimileTelephoneNumber
      - otherHomePhone
      - otherIpPhone
      - otherMobile
      - otherPager
      - otherTelephone
      - pager
      - telephoneNumber
"""
