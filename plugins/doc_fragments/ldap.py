# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  port:
    description:
      - Port of the directory. By default 636, or 389 when O(ldap_security) is V(starttls).
    type: int
  username:
    description:
      - The account to log in as, as a distinguished name or like V(backup@domain.example).
    type: str
  password:
    description:
      - Password of the account.
    type: str
  ldap_security:
    description:
      - How the connection is protected. There is no other way.
      - V(kerberos) logs in with the tickets in O(kerberos_cache_file), over TLS.
    type: str
    choices:
      - ldaps
      - starttls
      - kerberos
    default: ldaps
  ca_file:
    description:
      - File with the certificates of the authorities that may have signed the directory's certificate, on the host that
        runs this module. The certificate and its name are always verified.
      - By default the authorities that the system trusts.
    type: path
  kerberos_cache_file:
    description:
      - File with Kerberos tickets, on the host that runs this module. By default the one of its user.
    type: path
  connect_timeout:
    description:
      - Seconds to wait for a connection and login.
    type: int
    default: 15
  silence_timeout:
    description:
      - Seconds without a sign of life after which it is given up.
    type: int
    default: 60
  total_timeout:
    description:
      - Seconds that a single request may take.
    type: int
    default: 3600
"""
