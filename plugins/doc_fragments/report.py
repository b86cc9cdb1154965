# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  report_to:
    description:
      - Addresses that the mail goes to. One with characters beyond ASCII is reached where the server offers SMTPUTF8.
    type: list
    elements: str
    required: true
  report_from:
    description:
      - Address that the mail comes from.
    type: str
    required: true
  smtp_host:
    description:
      - The mail server. This name must stand in its certificate.
    type: str
    required: true
  smtp_port:
    description:
      - Its port. By default 587 with V(starttls), 465 with V(tls), 25 with V(none).
    type: int
  smtp_security:
    description:
      - How the way to the mail server is protected. Its certificate is always verified.
      - V(none) is only for a mail server on the same machine, and without a login.
    type: str
    choices:
      - starttls
      - tls
      - none
    default: starttls
  smtp_username:
    description:
      - Login at the mail server, if it wants one. With characters beyond ASCII, here or in O(smtp_password), the server
        has to offer AUTH PLAIN.
    type: str
  smtp_password:
    description:
      - Password of the login.
    type: str
  smtp_ca_file:
    description:
      - File with the certificates of the authorities that the mail server's certificate may come from, on the host
        that runs the module. By default those that the system trusts.
    type: path
  smtp_timeout:
    description:
      - Seconds that each step with the mail server may take.
    type: int
    default: 30
"""
