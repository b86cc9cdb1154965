# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  include:
    description:
      - Patterns of what is exported, as type and name with a colon between, like V(CA:*). Both may hold C(*), and case
        does not count. Types are V(CA), V(CERTPROFILE), V(CRYPTOTOKEN), V(EEPROFILE), V(ROLE) and others, or the names
        of their folders such as V(certificate-profiles).
      - Of types that no pattern names EJBCA exports everything all the same, unless O(exclude) holds V(*:*).
    type: list
    elements: str
  exclude:
    description:
      - Patterns of what is left out, in the same form.
    type: list
    elements: str
  ignore_errors:
    description:
      - Leave out what EJBCA cannot export, instead of failing. Nothing names what is left out then.
    type: bool
    default: false
  defaults:
    description:
      - Export fields that have their default value too.
    type: bool
    default: false
  external_cas:
    description:
      - Export authorities of which there is only a certificate, too.
    type: bool
    default: false
  api_base:
    description:
      - Where the REST interface begins.
    type: str
    default: /ejbca/ejbca-rest-api
"""
